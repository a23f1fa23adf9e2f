using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Records.RecordRequests;

namespace SyncServer.Tests.Records;

public sealed class RecordWriteTests
{
    private static readonly string[] Methods = ["PUT", "PATCH", "DELETE"];

    [Fact]
    public async Task PUT_with_If_None_Match_creates_and_answers_an_outcome()
    {
        var phone = Device.New();
        var id = Device.NewId();
        var answer = await phone.PutAsync(id, """{"title":"a"}""", New, ("Idempotency-Key", "\"k1\""));

        Assert.Equal((201, "\"rev-1\"", "application/json"), (answer.Status, answer.Header("ETag"), answer.ContentType));
        Assert.Matches($"^/v1/spaces/[0-9a-f-]{{36}}/records/note/{id}$", answer.Header("Location"));
        AssertJson($$$$"""
            {"opId":"k1","status":201,"result":"applied","record":{"entity":"note","id":"{{{{id}}}}","rev":1,"deleted":false,
             "updatedAtServer":"{{{{answer["record.updatedAtServer"]}}}}","updatedBy":"{{{{phone.Principal}}}}","opId":"k1","data":{"title":"a"}}}
            """, answer.Body);
        Assert.Equal(id, (await phone.GetAsync(answer.Header("Location")!))["id"]);
    }

    [Fact]
    public async Task PUT_with_If_Match_replaces_the_whole_data()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync("""{"title":"a","body":"x","address":{"city":"Rome"}}""");
        var answer = await phone.PutAsync(id, """{"title":"b","address":{}}""", Match(1));
        Assert.Equal((200, "applied", "2", "\"rev-2\""), (answer.Status, answer["result"], answer["record.rev"], answer.Header("ETag")));
        AssertJson("""{"title":"b","address":{}}""", answer.Body["record"]!["data"]!);
        Assert.Null(answer.Header("Location"));
    }

    [Fact]
    public async Task PUT_drops_null_members_and_then_sends_no_ETag()
    {
        var phone = Device.New();
        var id = Device.NewId();
        var created = await phone.PutAsync(id, """{"title":"a","old":null,"in":{"x":null},"list":[null]}""", New);
        Assert.Equal((201, null), (created.Status, created.Header("ETag")));
        AssertJson("""{"title":"a","in":{},"list":[null]}""", created.Body["record"]!["data"]!);

        var replaced = await phone.PutAsync(id, """{"title":null}""", Match(1));
        Assert.Equal((200, "2", null), (replaced.Status, replaced["record.rev"], replaced.Header("ETag")));
        AssertJson("{}", replaced.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task PUT_stores_what_looks_like_an_operator_as_it_is()
    {
        var phone = Device.New();
        var answer = await phone.PutAsync(Device.NewId(), """{"tags":{"$add":["a"]},"n":{"$inc":"x"},"s":{"$shout":1}}""", New);
        Assert.Equal((201, "\"rev-1\""), (answer.Status, answer.Header("ETag")));
        AssertJson("""{"tags":{"$add":["a"]},"n":{"$inc":"x"},"s":{"$shout":1}}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task PUT_of_what_is_there_makes_no_revision()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync("""{"title":"a","n":1}""");
        var answer = await phone.PutAsync(id, """{"n":1.0,"title":"a"}""", Match(1));
        Assert.Equal((200, "applied", "1", "\"rev-1\""), (answer.Status, answer["result"], answer["record.rev"], answer.Header("ETag")));
    }

    [Fact]
    public async Task PATCH_merges_sets_and_removes()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync("""{"title":"a","body":"x","address":{"city":"Rome","zip":"1"}}""");
        var answer = await phone.PatchAsync(id, """{"title":"b","body":null,"address":{"zip":"2"}}""", Match(1));
        Assert.Equal((200, "applied", "\"rev-2\""), (answer.Status, answer["result"], answer.Header("ETag")));
        AssertJson("""{"title":"b","address":{"city":"Rome","zip":"2"}}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task PATCH_refuses_an_unknown_operator_and_keeps_the_key_free()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var refused = await phone.PatchAsync(id, """{"title":{"$shout":1}}""", Match(1), ("Idempotency-Key", "again"));
        Assert.Equal((422, "/problems/invalid-operator", "/title"), (refused.Status, refused["type"], refused.Body["errors"]![0]!["pointer"]!.ToString()));
        Assert.Equal(200, (await phone.PatchAsync(id, """{"title":"b"}""", Match(1), ("Idempotency-Key", "again"))).Status);
    }

    [Fact]
    public async Task DELETE_leaves_a_tombstone()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var answer = await phone.DeleteAsync(id, Match(1));
        Assert.Equal((200, "applied", "2", "true", null, "\"rev-2\""), (answer.Status, answer["result"], answer["record.rev"],
            answer["record.deleted"], answer["record.data"], answer.Header("ETag")));
    }

    [Fact]
    public async Task Restore_brings_a_tombstone_back_with_its_last_data_with_and_without_If_Match()
    {
        var (phone, id) = await WithTombstoneAsync();
        var restored = await phone.RestoreAsync(id);
        Assert.Equal((200, "applied", "3", "\"rev-3\""), (restored.Status, restored["result"], restored["record.rev"], restored.Header("ETag")));
        AssertJson("""{"title":"a"}""", restored.Body["record"]!["data"]!);

        await phone.DeleteAsync(id, Match(3));
        var stale = await phone.RestoreAsync(id, Match(2));
        Assert.Equal((412, "4", "\"rev-4\""), (stale.Status, stale["current.rev"], stale["etag"]));
        Assert.Equal((200, "5"), await RevOfAsync(phone.RestoreAsync(id, Match(4))));

        var live = await phone.RestoreAsync(id);
        Assert.Equal((409, "/problems/already-exists", "5", null), (live.Status, live["type"], live["current.rev"], live["conflictId"]));
        Assert.Equal(404, (await phone.RestoreAsync(Device.NewId())).Status);
        Assert.Empty((await phone.GetAsync("conflicts")).Body["conflicts"]!.AsArray());
    }

    [Fact]
    public async Task Restore_of_purged_data_is_410()
    {
        var (phone, id) = await WithTombstoneAsync();
        await RunAsync("UPDATE records SET data = NULL, seq = NULL WHERE record_id = $1", id);
        var answer = await phone.RestoreAsync(id);
        Assert.Equal((410, "/problems/purged"), (answer.Status, answer["type"]));
        Assert.Equal((410, "2"), ((await phone.ReadAsync(id)).Status, (await phone.ReadAsync(id))["current.rev"]));
    }

    [Theory]
    [InlineData("\"rev-1\"", true)]
    [InlineData("*", true)]
    [InlineData("\"x\", \"rev-1\"", true)]
    [InlineData("\"rev-2\"", false)]
    [InlineData("W/\"rev-1\"", false)]
    [InlineData("\"rev-01\"", false)]
    public async Task If_Match_is_a_list_or_a_star_and_compares_strongly(string tags, bool holds)
    {
        foreach (var method in Methods)
        {
            var (phone, id) = await RecordRequests.WithNoteAsync();
            var answer = await WriteAsync(phone, method, id, ("If-Match", tags));
            Assert.Equal((method, holds ? 200 : 412), (method, answer.Status));
            if (!holds)
            {
                Assert.Equal(("/problems/precondition-failed", "1", "\"rev-1\"", "\"rev-1\""),
                    (answer["type"], answer["current.rev"], answer["etag"], answer.Header("ETag")));
                AssertJson("""{"title":"a"}""", answer.Body["current"]!["data"]!);
            }
        }
    }

    [Fact]
    public async Task If_None_Match_does_not_hold_for_what_exists_or_existed()
    {
        foreach (var method in Methods)
        {
            var (phone, live) = await RecordRequests.WithNoteAsync();
            var exists = await WriteAsync(phone, method, live, New);
            Assert.Equal((412, "1", "\"rev-1\""), (exists.Status, exists["current.rev"], exists["etag"]));
            var (other, dead) = await WithTombstoneAsync();
            var existed = await WriteAsync(other, method, dead, New);
            Assert.Equal((412, "true", "\"rev-2\""), (existed.Status, existed["current.deleted"], existed["etag"]));
        }
    }

    [Fact]
    public async Task On_a_tombstone_what_holds_is_410_and_what_does_not_is_412()
    {
        foreach (var method in Methods)
        {
            var (phone, id) = await WithTombstoneAsync();
            var gone = await WriteAsync(phone, method, id, Match(2));
            Assert.Equal((method, 410, "/problems/gone", "true", "\"rev-2\""), (method, gone.Status, gone["type"], gone["current.deleted"], gone["etag"]));
            Assert.Equal((412, "2"), await CurrentAsync(WriteAsync(phone, method, id, Match(1))));
            Assert.Equal((412, "2"), await CurrentAsync(WriteAsync(phone, method, id, ("If-Match", "*"))));
        }
    }

    [Fact]
    public async Task On_an_id_that_never_existed_PATCH_and_DELETE_are_404_and_PUT_is_412()
    {
        var phone = Device.New();
        foreach (var method in Methods)
        {
            var answer = await WriteAsync(phone, method, Device.NewId(), Match(1));
            Assert.Equal((method, method == "PUT" ? 412 : 404), (method, answer.Status));
            Assert.Null(answer["current"]);
            Assert.Equal(method == "PUT" ? 201 : 404, (await WriteAsync(phone, method, Device.NewId(), New)).Status);
        }
    }

    [Fact]
    public async Task A_write_without_a_precondition_is_428_and_with_a_malformed_one_400()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        foreach (var method in Methods)
        {
            var none = await WriteAsync(phone, method, id);
            Assert.Equal((428, "/problems/precondition-required"), (none.Status, none["type"]));
            foreach (var malformed in new[] { ("If-Match", "rev-1"), ("If-Match", ""), ("If-None-Match", "\"rev-1\""), ("If-Match", "\"rev-1\", *") })
            {
                Assert.Equal((method, malformed, 400), (method, malformed, (await WriteAsync(phone, method, id, malformed)).Status));
            }

            Assert.Equal(400, (await WriteAsync(phone, method, id, Match(1), New)).Status);
        }

        Assert.Equal("\"rev-1\"", (await phone.ReadAsync(id)).Header("ETag"));
    }

    [Fact]
    public async Task A_write_without_an_idempotency_key_is_400_with_a_link()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var answer = await phone.SendAsync(HttpMethod.Put, $"records/note/{id}", "{}", Match(1));
        Assert.Equal((400, "/problems/idempotency-key-missing"), (answer.Status, answer["type"]));
        Assert.Contains("rel=\"describedby\"", answer.Header("Link"), StringComparison.Ordinal);
        Assert.Equal(400, (await phone.PutAsync(id, "{}", Match(1), ("Idempotency-Key", ""))).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"a\"")]
    [InlineData("{")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":"\u0000"}""")]
    public async Task A_body_that_is_no_JSON_object_is_400(string body)
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        Assert.Equal((400, "/problems/invalid-request"), await ProblemAsync(phone.PutAsync(id, body, Match(1))));
        Assert.Equal((400, "/problems/invalid-request"), await ProblemAsync(phone.PatchAsync(id, body, Match(1))));
    }

    [Fact]
    public async Task PATCH_takes_a_merge_patch_only_and_PUT_takes_JSON_only()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var patch = await phone.SendAsync(HttpMethod.Patch, $"records/note/{id}", "{}", Match(1), ("Idempotency-Key", "a"));
        Assert.Equal((415, "application/merge-patch+json"), (patch.Status, patch.Header("Accept-Patch")));
        var put = await phone.PutAsync(id, "{}", Match(1), ("Content-Type", "application/merge-patch+json"));
        Assert.Equal(415, put.Status);
    }

    [Theory]
    [InlineData("records/$conflict/a")]
    [InlineData("records/$member/a")]
    [InlineData("records/1note/a")]
    [InlineData("records/note/a%20b")]
    [InlineData("records/note/a%2Fb")]
    public async Task Malformed_names_and_the_servers_own_are_not_written(string path)
    {
        var phone = Device.New();
        foreach (var method in Methods)
        {
            var type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
            var answer = await phone.SendAsync(new HttpMethod(method), path, "{}", Match(1), ("Idempotency-Key", "k"), ("Content-Type", type));
            Assert.Equal((400, "/problems/invalid-request"), (answer.Status, answer["type"]));
        }

        Assert.Equal(400, (await phone.SendAsync(HttpMethod.Post, path + "/restore", null, ("Idempotency-Key", "k"))).Status);
    }

    [Fact]
    public async Task A_record_over_its_limit_is_rejected()
    {
        var phone = Device.New();
        var answer = await phone.PutAsync(Device.NewId(), $$"""{"body":"{{new string('x', 256 * 1024)}}"}""", New);
        Assert.Equal((422, "/problems/rejected"), (answer.Status, answer["type"]));
    }

    [Fact]
    public async Task Another_epoch_is_410()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var answer = await phone.PutAsync(id, "{}", Match(1), ("Sync-Epoch", "another"));
        Assert.Equal((410, "/problems/resync-required", "epoch"), (answer.Status, answer["type"], answer["reason"]));
    }

    [Fact]
    public async Task A_malformed_counter_is_400_and_a_good_one_goes_into_history()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        Assert.Equal(400, (await phone.PutAsync(id, "{}", Match(1), ("Sync-N", "x"))).Status);
        Assert.Equal(200, (await phone.PutAsync(id, "{}", Match(1), ("Sync-N", "7"))).Status);
        var newest = (await phone.GetAsync($"records/note/{id}/history")).Body["history"]![0]!;
        Assert.Equal(("7", "phone"), (newest["n"]!.ToString(), newest["device"]!.ToString()));
    }

    private static Task<Answer> WriteAsync(Device phone, string method, string id, params (string Name, string Value)[] headers) => method switch
    {
        "PUT" => phone.PutAsync(id, """{"title":"b"}""", headers),
        "PATCH" => phone.PatchAsync(id, """{"title":"b"}""", headers),
        _ => phone.DeleteAsync(id, headers),
    };

    private static async Task<(int Status, string? Rev)> RevOfAsync(Task<Answer> answer) => ((await answer).Status, (await answer)["record.rev"]);

    private static async Task<(int Status, string? Rev)> CurrentAsync(Task<Answer> answer) => ((await answer).Status, (await answer)["current.rev"]);

    private static async Task<(int Status, string? Type)> ProblemAsync(Task<Answer> answer) => ((await answer).Status, (await answer)["type"]);
}
