using System.Text;
using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary><c>GET sync/stream</c>: the pull as server-sent events (protocol 5).</summary>
public sealed class StreamTests
{
    [Fact]
    public async Task A_stream_opens_with_a_comment_and_tells_what_there_is_and_then_what_comes()
    {
        var phone = New();
        await phone.PushAsync("create", "n1", 0, """{"title":"a\nb"}""");
        await using var stream = await LiveStream.OpenAsync(phone.Other("tablet", TestServers.B), "", ("Accept-Encoding", "gzip, br"));
        string? Header(string name) => stream.Response.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
        Assert.Equal(("no-store", "no", "Authorization"), (Header("Cache-Control"), Header("X-Accel-Buffering"), Header("Vary")));
        Assert.Empty(stream.Response.Content.Headers.ContentEncoding);
        Assert.Equal(new Block(null, null, "", true), await stream.BlockAsync());

        var first = await stream.BlockAsync();
        var pulled = await phone.PullAsync();
        Assert.Equal(("changes", pulled["cursor"]), (first!.Event, first.Id));
        var expected = pulled.Body.AsObject();
        expected.Remove("cursor");
        expected.Remove("hasMore");
        Assert.Equal(expected.ToJsonString(), first.Json.ToJsonString());

        await phone.PushAsync("delete", "n1", 1);
        var second = await stream.EventAsync();
        Assert.Equal(("n1", true, "2"), (second!.Records.Single(), (bool)second.Json["changes"]![0]!["deleted"]!, $"{second.Json["changes"]![0]!["rev"]}"));
        Assert.Equal((await phone.PullAsync())["cursor"], second.Id);
    }

    [Fact]
    public async Task A_page_of_many_pieces_is_one_event_with_the_bytes_of_the_pull()
    {
        var phone = New();
        await phone.PushAsync("create", "n1", 0, $$"""{"body":"{{new string('é', 100_000)}}"}""");
        await phone.PushAsync("create", "n2", 0, $$"""{"body":"{{new string('x', 100_000)}}"}""");
        await using var stream = await LiveStream.OpenAsync(phone);
        var pulled = Encoding.UTF8.GetString((await phone.PullAsync()).Bytes);
        var changes = pulled[..pulled.LastIndexOf(",\"cursor\":", StringComparison.Ordinal)];
        var epoch = pulled[pulled.LastIndexOf(",\"epoch\":", StringComparison.Ordinal)..];
        Assert.Equal(changes + epoch, (await stream.EventAsync())!.Data);
    }

    [Fact]
    public async Task A_stream_goes_on_behind_the_last_event_whatever_its_address_says()
    {
        var phone = New();
        var start = (await phone.PullAsync("?cursor=now"))["cursor"];
        await phone.PushAsync("create", "n1", 0, "{}");
        await using (var stream = await LiveStream.OpenAsync(phone, $"?cursor={start}"))
        {
            Assert.Equal(["n1"], (await stream.EventAsync())!.Records);
        }

        var seen = (await phone.PullAsync())["cursor"]!;
        await phone.PushAsync("create", "n2", 0, "{}");
        await using var again = await LiveStream.OpenAsync(phone, $"?cursor={start}", ("Last-Event-ID", seen));
        Assert.Equal(["n2"], (await again.EventAsync())!.Records);
        await using var fresh = await LiveStream.OpenAsync(phone, $"?cursor={start}", ("Last-Event-ID", ""));
        Assert.Equal(["n1", "n2"], (await fresh.EventAsync())!.Records);
    }

    [Fact]
    public async Task From_now_on_a_stream_tells_where_it_stands_and_then_only_what_comes()
    {
        var phone = New();
        await phone.PushAsync("create", "n1", 0, "{}");
        await using var stream = await LiveStream.OpenAsync(phone, "?cursor=now");
        var head = await stream.EventAsync();
        Assert.Equal((0, (await phone.PullAsync())["cursor"]), (head!.Records.Length, head.Id));
        await phone.PushAsync("create", "n2", 0, "{}");
        Assert.Equal(["n2"], (await stream.EventAsync())!.Records);
    }

    [Fact]
    public async Task An_event_has_as_many_changes_as_the_limit_says_and_the_next_follows_at_once()
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(1, 5).Select(i => Op("create", $"n{i}", 0, "{}")));
        await using var stream = await LiveStream.OpenAsync(phone, "?limit=2");
        var events = new[] { await stream.EventAsync(), await stream.EventAsync(), await stream.EventAsync() };
        Assert.Equal([["n1", "n2"], ["n3", "n4"], ["n5"]], events.Select(block => block!.Records));

        // Each id is a cursor of a pull.
        Assert.Equal(["n3", "n4", "n5"], (await phone.PullAsync($"?cursor={events[0]!.Id}")).Body["changes"]!.AsArray().Select(change => $"{change!["id"]}"));
    }

    [Fact]
    public async Task What_the_filter_leaves_out_makes_no_event_and_the_cursor_moves_over_it_with_a_sign_of_life()
    {
        await using var server = await TestServers.StartAsync("--Live:Heartbeat=00:00:00.2");
        var phone = New(server);
        await using var stream = await LiveStream.OpenAsync(phone, "?cursor=now&entity=task");
        var begin = (await stream.EventAsync())!.Id;
        Assert.True((await stream.BlockAsync())!.IsComment);
        await phone.PushAsync("create", "n1", 0, "{}");
        var moved = await stream.EventAsync();
        Assert.Equal((0, (await phone.PullAsync("?cursor=now&entity=task"))["cursor"]), (moved!.Records.Length, moved.Id));
        Assert.NotEqual(begin, moved.Id);
        await phone.PushAsync(Op("create", "t1", 0, "{}", entity: "task"));
        Assert.Equal(["t1"], (await stream.EventAsync())!.Records);
    }

    [Fact]
    public async Task An_idle_stream_gives_signs_of_life()
    {
        await using var server = await TestServers.StartAsync("--Live:Heartbeat=00:00:00.05");
        await using var stream = await LiveStream.OpenAsync(New(server));
        var blocks = new List<Block?>();
        for (var i = 0; i < 5; i++)
        {
            blocks.Add(await stream.BlockAsync());
        }

        Assert.Equal([true, false, true, true, true], blocks.Select(block => block!.IsComment));
    }

    [Fact]
    public async Task What_is_malformed_is_refused_before_the_stream_begins()
    {
        var phone = New();
        var other = (await New().PullAsync())["cursor"];
        foreach (var query in new[] { "?cursor=x", "?cursor=", $"?cursor={other}", "?limit=0", "?entity=-" })
        {
            Assert.Equal((query, 400), (query, (await phone.GetAsync("sync/stream" + query)).Status));
        }

        var refused = await phone.GetAsync("sync/stream?cursor=now", ("Last-Event-ID", "x"));
        Assert.Equal((400, "/problems/invalid-cursor", "application/problem+json"), (refused.Status, refused["type"], refused.ContentType));
        Assert.Equal(404, (await phone.In(NewId()).GetAsync("sync/stream")).Status);
    }

    [Fact]
    public async Task A_cursor_that_does_not_hold_is_an_event_and_the_end()
    {
        var phone = New();
        await using var stream = await LiveStream.OpenAsync(phone, $"?entity=task&cursor={(await phone.PullAsync())["cursor"]}");
        var resync = await stream.EventAsync();
        var gone = await phone.PullAsync($"?entity=task&cursor={(await phone.PullAsync())["cursor"]}");
        Assert.Equal(("resync", null), (resync!.Event, resync.Id));
        Assert.Equal(Told(gone.Body), Told(resync.Json));
        Assert.Null(await stream.BlockAsync());

        static string Told(JsonNode problem)
        {
            problem.AsObject().Remove("traceId");
            problem.AsObject().Remove("instance");
            return problem.ToJsonString();
        }
    }

    [Fact]
    public async Task HEAD_answers_the_headers_and_does_not_stay()
    {
        var head = await New().SendAsync(HttpMethod.Head, "sync/stream");
        Assert.Equal((200, "text/event-stream", "no-store", 0), (head.Status, head.ContentType, head.Header("Cache-Control"), head.Bytes.Length));
    }
}
