using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using SyncServer.Live;
using SyncServer.Tests.Accounts;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary>What ends a stream or a wait, and that nothing of it stays behind.</summary>
public sealed class EndTests
{
    [Fact]
    public async Task A_member_who_is_removed_loses_streams_and_waits()
    {
        var (owner, space) = await New().SharedAsync();
        var member = await owner.MemberAsync(space, "reader");
        await using var stream = await LiveStream.OpenAsync(member.Other("tv", TestServers.B), "?cursor=now");
        var cursor = (await stream.EventAsync())!.Id;
        var waiting = member.GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=40"));
        Assert.Equal(204, (await owner.RemoveMemberAsync(member.Principal)).Status);

        await stream.EndAsync();
        Assert.Equal((404, 404), ((await waiting).Status, (await member.GetAsync("sync/stream")).Status));
    }

    [Fact]
    public async Task A_space_that_is_erased_ends_its_streams()
    {
        var phone = New();
        await using var stream = await LiveStream.OpenAsync(phone.Other("tablet", TestServers.B));
        await stream.EventAsync();
        Assert.Equal(204, (await phone.EraseSpaceAsync("me")).Status);
        await stream.EndAsync();
    }

    [Fact]
    public async Task A_personal_space_that_is_erased_and_begun_anew_ends_its_streams_and_the_next_ones_tell_of_the_new_space()
    {
        var phone = New();
        Assert.Equal(201, (await phone.PushAsync("create", "old", 0, "{}")).Status);
        var tv = phone.Other("tv", TestServers.B);
        await using var stream = await LiveStream.OpenAsync(tv);
        var seen = (await stream.EventAsync())!.Id!;
        Assert.Equal(204, (await phone.EraseSpaceAsync("me")).Status);
        Assert.Equal(201, (await phone.PushAsync("create", "new", 0, "{}")).Status);
        await stream.EndAsync();

        // The server of the stream has never been told that "me" is another space now.
        await using var next = await LiveStream.OpenAsync(tv);
        Assert.Equal(["new"], (await next.EventAsync())!.Records);
        Assert.Equal(400, (await tv.GetAsync("sync/stream", ("Last-Event-ID", seen))).Status);
    }

    [Fact]
    public async Task A_token_that_expires_ends_its_stream()
    {
        // The clock stands still, so the token is good for as long as the stream needs to open, and the stream for two seconds then.
        var clock = new StandingClock();
        await using var server = await TestServers.StartAsync(
            builder => builder.Services.AddSingleton<TimeProvider>(clock),
            [.. AccountsServer.StaticKeys().Select(setting => $"--{setting.Key}={setting.Value}")]);
        var claims = TokenForge.Claims(Somebody());

        // Two seconds before the end of the clock skew.
        claims["exp"] = clock.Now.AddSeconds(-58).ToUnixTimeSeconds();
        using var client = server.Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TokenForge.Rs256(claims));
        await using var stream = await LiveStream.OfAsync(
            await client.GetAsync("/v1/spaces/me/sync/stream", HttpCompletionOption.ResponseHeadersRead));
        await stream.EndAsync();
        clock.Now += TimeSpan.FromSeconds(3);
        using var after = await client.GetAsync("/v1/session");
        Assert.Equal(401, (int)after.StatusCode);
    }

    [Fact]
    public async Task A_server_that_stops_ends_streams_and_waits_at_once()
    {
        // A server that waited for them would wait for this long.
        var server = await TestServers.StartAsync("--shutdownTimeoutSeconds=600");
        var phone = New(server);
        await using var stream = await LiveStream.OpenAsync(phone, "?cursor=now");
        var cursor = (await stream.EventAsync())!.Id;
        var waiting = phone.GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=50"));
        await server.OpenAsync(1, 1);

        await server.App.StopAsync().WaitAsync(Patience.Whole);
        await stream.EndAsync();
        var answer = await waiting;
        Assert.Equal((200, cursor), (answer.Status, answer["cursor"]));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task A_client_that_goes_away_leaves_nothing_behind()
    {
        await using var server = await TestServers.StartAsync();
        var phone = New(server);
        var stream = await LiveStream.OpenAsync(phone, "?cursor=now");
        var cursor = (await stream.EventAsync())!.Id;
        using var client = server.As(phone.Principal);
        using var leaving = new CancellationTokenSource();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Prefer", "wait=50");
        var waiting = client.GetAsync($"/v1/spaces/me/sync/changes?cursor={cursor}", leaving.Token);
        await server.OpenAsync(1, 1);

        await stream.DisposeAsync();
        await leaving.CancelAsync();
        await server.OpenAsync(0, 0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Empty(server.App.Services.GetRequiredService<SpaceWatches>().Spaces());
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_is_let_go_and_has_cost_no_more_than_a_page()
    {
        await using var server = await TestServers.StartAsync("--Live:ReaderPatience=00:00:00.3");
        var phone = New(server);
        var text = new string('x', 200_000);
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(201, (await phone.PushAsync("create", $"n{i}", 0, $$"""{"text":"{{text}}"}""")).Status);
        }

        using var reader = new TcpClient { ReceiveBufferSize = 4096 };
        await reader.ConnectAsync(server.Address.Host, server.Address.Port);
        await reader.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /v1/spaces/me/sync/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer dev:{phone.Principal}\r\n\r\n"));
        // The first bytes say that the stream is open; nothing is taken after them.
        var begin = new byte["HTTP/1.1 200".Length];
        await reader.GetStream().ReadExactlyAsync(begin);
        Assert.Equal("HTTP/1.1 200", Encoding.ASCII.GetString(begin));
        await server.OpenAsync(0, 0);
        Assert.Equal(201, (await phone.PushAsync("create", "after", 0, "{}")).Status);
    }

    [Fact]
    public async Task A_principal_holds_only_so_many_streams_and_waits_open()
    {
        await using var server = await TestServers.StartAsync("--Sync:LivePerPrincipal=2", "--Sync:PollIntervalSeconds=17");
        var phone = New(server);
        var first = await LiveStream.OpenAsync(phone, "?cursor=now");
        var cursor = (await first.EventAsync())!.Id;
        await using var second = await LiveStream.OpenAsync(phone);
        var third = await phone.GetAsync("sync/stream");
        var waiting = await phone.GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=30"));
        Assert.Equal((429, "/problems/too-many-requests", "17"), (third.Status, third["type"], third.Header("Retry-After")));
        Assert.Equal((429, "17"), (waiting.Status, waiting.Header("Retry-After")));

        // What need not wait needs no place, and others have places of their own.
        Assert.Equal((200, 200), ((await phone.GetAsync("sync/changes", ("Prefer", "wait=30"))).Status, (await phone.PullAsync($"?cursor={cursor}")).Status));
        await using (await LiveStream.OpenAsync(New(server)))
        {
        }

        await first.DisposeAsync();
        await server.OpenAsync(1, 0);
        await using var fourth = await LiveStream.OpenAsync(phone);
    }
}
