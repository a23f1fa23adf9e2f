using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Manifest;

/// <summary>Protocol 5: <c>POST sync/manifest</c>.</summary>
public sealed class ManifestTests
{
    [Fact]
    public async Task Every_op_id_has_its_state_status_and_revision()
    {
        var phone = New(TestServers.B);
        var tablet = phone.Other("tablet");
        await phone.PushAsync(Op("create", "r", 0, """{"a":1,"b":1}""", opId: "created"));
        await tablet.PushAsync("update", "r", 1, """{"a":2}""");
        await phone.PushAsync(Op("update", "r", 1, """{"b":2}""", opId: "merged"));
        await phone.PushAsync(Op("update", "r", 1, """{"a":3}""", opId: "parked"));
        await phone.PushAsync(Op("create", "s", 0, """{"a":1}""", opId: "other"));
        await tablet.PushAsync("update", "s", 1, """{"a":2}""");
        var parked = await phone.PushAsync(Op("update", "s", 1, """{"a":3}""", opId: "resolved"));
        await phone.PushAsync(Op("update", "s", 1, """{"a":4}""", opId: "strict"), ("If-Match", "\"rev-1\""));
        await phone.PushAsync(Op("update", "never", 1, """{"a":4}""", opId: "early"));
        await phone.PutAsync("t", "{}", RecordRequests.New, ("Idempotency-Key", "put"));
        var resolution = await phone.SendAsync(HttpMethod.Post, $"conflicts/{parked["conflictId"]}/resolution", """{"choice":"theirs"}""",
            ("Idempotency-Key", "resolution"), ("If-Match", "\"rev-2\""));
        Assert.Equal(200, resolution.Status);

        string[] ids = ["created", "merged", "parked", "resolved", "strict", "early", "put", "resolution", "created", "never sent"];
        Assert.Equal(
            """
            {"results":{
            "created":{"state":"applied","status":201,"rev":1},
            "merged":{"state":"applied","status":200,"rev":3},
            "parked":{"state":"conflict","status":409,"rev":3},
            "resolved":{"state":"resolved","status":409,"rev":2},
            "strict":{"state":"rejected","status":412,"rev":2},
            "early":{"state":"unknown"},
            "put":{"state":"applied","status":201,"rev":1},
            "resolution":{"state":"applied","status":200,"rev":2},
            "never sent":{"state":"unknown"}}}
            """.ReplaceLineEndings(""),
            (await AskAsync(phone, ids)).Body.ToJsonString());
    }

    [Fact]
    public async Task An_outcome_without_a_revision_has_none()
    {
        var (owner, _) = await New().SharedAsync();
        var somebody = Somebody();
        await owner.PutMemberAsync(somebody, "reader", "key");
        Assert.Equal("""{"results":{"key":{"state":"applied","status":201}}}""", (await AskAsync(owner, "key")).Body.ToJsonString());
    }

    [Fact]
    public async Task An_id_is_that_of_its_caller_in_its_space_and_readers_may_ask()
    {
        var (owner, space) = await New().SharedAsync();
        await owner.PushAsync(Op("create", "r", 0, "{}", opId: "mine"));
        var reader = await owner.MemberAsync(space, "reader");
        Assert.Equal("applied", (await AskAsync(owner, "mine"))["results.mine.state"]);
        Assert.Equal("applied", (await AskAsync(owner.Other("tablet", TestServers.B), "mine"))["results.mine.state"]);
        Assert.Equal("""{"results":{"mine":{"state":"unknown"}}}""", (await AskAsync(reader, "mine")).Body.ToJsonString());
        Assert.Equal("unknown", (await AskAsync(owner.In("me"), "mine"))["results.mine.state"]);
        var (outside, nowhere) = (await AskAsync(New().In(space), "mine"), await AskAsync(New().In(NewId()), "mine"));
        Assert.Equal((404, 404, outside["type"]), (outside.Status, nowhere.Status, nowhere["type"]));
    }

    [Fact]
    public async Task It_needs_no_key_changes_nothing_and_is_not_kept()
    {
        var (phone, _) = await RecordRequests.WithNoteAsync();
        var space = await phone.SpaceIdAsync();
        var before = await SpaceRequests.RowsAsync(space);
        var answer = await phone.SendAsync(HttpMethod.Post, "sync/manifest", """{"opIds":["a"]}""", ("Idempotency-Key", "a"));
        Assert.Equal((200, "no-store", """{"results":{"a":{"state":"unknown"}}}"""), (answer.Status, answer.Header("Cache-Control"), answer.Body.ToJsonString()));
        Assert.Equal(before, await SpaceRequests.RowsAsync(space));
    }

    [Fact]
    public async Task A_thousand_ids_are_answered_and_one_more_is_too_many()
    {
        var ids = Enumerable.Range(0, 1_000).Select(i => $"{i:d255}").ToArray();
        var full = await AskAsync(New(), ids);
        Assert.Equal((200, 1_000), (full.Status, full.Body["results"]!.AsObject().Count));
        var over = await AskAsync(New(), [.. ids, "a"]);
        Assert.Equal((413, "/problems/too-large", "/opIds"), (over.Status, over["type"], over.Body["errors"]![0]!["pointer"]!.ToString()));
        var none = await AskAsync(New());
        Assert.Equal((200, """{"results":{}}"""), (none.Status, none.Body.ToJsonString()));
    }

    [Fact]
    public async Task Every_id_that_can_be_none_is_named()
    {
        var answer = await PostAsync(New(), $$"""{"opIds":["fine",""," é","{{new string('x', 256)}}",7,null,["a"],"~ "]}""");
        Assert.Equal((400, "/problems/invalid-request"), (answer.Status, answer["type"]));
        Assert.Equal(["/opIds/1", "/opIds/2", "/opIds/3", "/opIds/4", "/opIds/5", "/opIds/6"],
            answer.Body["errors"]!.AsArray().Select(error => error!["pointer"]!.ToString()));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"opIds":"a"}""")]
    [InlineData("""{"opIds":null}""")]
    [InlineData("""{"opIds":["a"]""")]
    public async Task What_is_no_manifest_is_400(string body) => Assert.Equal(400, (await PostAsync(New(), body)).Status);

    [Fact]
    public async Task Another_content_type_is_415() =>
        Assert.Equal(415, (await New().SendAsync(HttpMethod.Post, "sync/manifest", """{"opIds":[]}""", ("Content-Type", "text/plain"))).Status);

    private static Task<Answer> AskAsync(Device device, params string[] opIds) =>
        PostAsync(device, $$"""{"opIds":[{{string.Join(',', opIds.Select(id => $"\"{id}\""))}}]}""");

    private static Task<Answer> PostAsync(Device device, string body) => device.SendAsync(HttpMethod.Post, "sync/manifest", body);
}
