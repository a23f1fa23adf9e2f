using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary><c>Prefer: wait=n</c> on pulls (protocol 5; RFC 7240).</summary>
public sealed class WaitTests
{
    [Fact]
    public async Task At_the_head_a_pull_waits_for_a_change_that_another_server_takes()
    {
        var phone = New();
        var cursor = (await phone.PullAsync())["cursor"];
        var waiting = phone.Other("tablet", TestServers.B).GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=50"));
        await phone.PushAsync("create", "n1", 0, "{}");
        var answer = await waiting;
        var pulled = await phone.PullAsync($"?cursor={cursor}");
        Assert.Equal((200, "wait=50"), (answer.Status, answer.Header("Preference-Applied")));
        Assert.Equal(pulled.Body.ToJsonString(), answer.Body.ToJsonString());
    }

    [Theory]
    [InlineData("wait=7", "wait=7")]
    [InlineData("wait=99999999999999999999", "wait=50")]
    [InlineData("respond-async, WAIT = \"7\"; x=y", "wait=7")]
    public async Task Where_there_is_something_a_pull_answers_at_once_and_says_how_long_it_would_have_waited(string prefer, string applied)
    {
        var phone = New();
        var cursor = (await phone.PullAsync())["cursor"];
        await phone.PushAsync("create", "n1", 0, "{}");
        var answer = await phone.GetAsync($"sync/changes?cursor={cursor}", ("Prefer", prefer));
        Assert.Equal((200, applied, 1), (answer.Status, answer.Header("Preference-Applied"), answer.Body["changes"]!.AsArray().Count));
    }

    [Theory]
    [InlineData("wait=")]
    [InlineData("wait=0")]
    [InlineData("wait=-1")]
    [InlineData("wait=1.5")]
    [InlineData("wait")]
    [InlineData("=50")]
    [InlineData("waits=50")]
    [InlineData("respond-async")]
    [InlineData("foo=\"wait=50")]
    public async Task A_preference_that_is_malformed_or_another_is_ignored(string prefer)
    {
        var phone = New();
        var cursor = (await phone.PullAsync())["cursor"];
        var answer = await phone.GetAsync($"sync/changes?cursor={cursor}", ("Prefer", prefer));
        Assert.Equal((200, null, cursor), (answer.Status, answer.Header("Preference-Applied"), answer["cursor"]));
    }

    [Fact]
    public async Task Without_a_cursor_that_stands_somewhere_a_pull_does_not_wait()
    {
        var phone = New();
        foreach (var query in new[] { "", "?cursor=now" })
        {
            var answer = await phone.GetAsync("sync/changes" + query, ("Prefer", "wait=50"));
            Assert.Equal((200, null), (answer.Status, answer.Header("Preference-Applied")));
        }

        var cursor = (await phone.PullAsync())["cursor"];
        Assert.Equal(200, (await phone.SendAsync(HttpMethod.Head, $"sync/changes?cursor={cursor}", null, ("Prefer", "wait=50"))).Status);
    }

    [Fact]
    public async Task When_the_time_is_over_a_pull_answers_as_one_that_had_not_waited()
    {
        var phone = New();
        var pulled = await phone.PullAsync();
        var again = await phone.PullAsync($"?cursor={pulled["cursor"]}");
        var waited = await phone.GetAsync($"sync/changes?cursor={pulled["cursor"]}", ("Prefer", "wait=1"));
        Assert.Equal((200, again.Body.ToJsonString()), (waited.Status, waited.Body.ToJsonString()));
        var unchanged = await phone.GetAsync($"sync/changes?cursor={pulled["cursor"]}", ("Prefer", "wait=1"), ("If-None-Match", again.Header("ETag")!));
        Assert.Equal((304, again.Header("ETag"), 0), (unchanged.Status, unchanged.Header("ETag"), unchanged.Bytes.Length));
    }

    [Fact]
    public async Task A_pull_with_a_known_head_waits_for_another()
    {
        await using var server = await TestServers.StartAsync();
        var phone = New(server);
        var pulled = await phone.PullAsync();
        var waiting = phone.GetAsync(
            $"sync/changes?cursor={pulled["cursor"]}", ("Prefer", "wait=50"), ("If-None-Match", pulled.Header("ETag")!));
        await server.OpenAsync(0, 1);
        await phone.PushAsync("create", "n1", 0, "{}");
        var answer = await waiting;
        Assert.Equal((200, 1), (answer.Status, answer.Body["changes"]!.AsArray().Count));
        await server.OpenAsync(0, 0);
    }

    [Fact]
    public async Task A_filtered_pull_waits_over_what_does_not_match_and_ends_at_the_head()
    {
        await using var server = await TestServers.StartAsync();
        var phone = New(server);
        var cursor = (await phone.PullAsync("?entity=task"))["cursor"];
        var patient = phone.GetAsync($"sync/changes?entity=task&cursor={cursor}", ("Prefer", "wait=50"));
        await server.OpenAsync(0, 1);
        var brief = phone.GetAsync($"sync/changes?entity=task&cursor={cursor}", ("Prefer", "wait=5"));
        await server.OpenAsync(0, 2);
        await phone.PushAsync("create", "n1", 0, "{}");
        var nothing = await brief;
        Assert.Equal((200, 0, "false"), (nothing.Status, nothing.Body["changes"]!.AsArray().Count, nothing["hasMore"]));
        Assert.Equal((await phone.PullAsync("?cursor=now&entity=task"))["cursor"], nothing["cursor"]);

        Assert.False(patient.IsCompleted);
        await phone.PushAsync(Op("create", "t1", 0, "{}", entity: "task"));
        await phone.PushAsync("create", "n2", 0, "{}");
        var something = await patient;
        Assert.Equal(["t1"], something.Body["changes"]!.AsArray().Select(change => $"{change!["id"]}"));
    }

    [Fact]
    public async Task Waiting_holds_no_connection_to_the_database()
    {
        await using var server = await TestServers.StartAsync("--Database:MaxPoolSize=1");
        var phone = New(server);
        var cursor = (await phone.PullAsync())["cursor"];
        var waiting = Enumerable.Range(0, 8).Select(_ => phone.GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=50"))).ToList();
        await using var stream = await LiveStream.OpenAsync(phone, $"?cursor={cursor}");
        await server.OpenAsync(1, 8);
        Assert.Equal(201, (await phone.PushAsync("create", "n1", 0, "{}")).Status);
        Assert.All(await Task.WhenAll(waiting), answer => Assert.Single(answer.Body["changes"]!.AsArray()));
        Assert.Equal(["n1"], (await stream.EventAsync())!.Records);
    }
}
