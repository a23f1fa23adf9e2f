using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Every row of protocol 3.2 that needs no entity definition.</summary>
public sealed class OutcomeTests
{
    [Fact]
    public async Task A_create_answers_201_with_the_record_its_etag_and_its_location()
    {
        var phone = New();
        var id = NewId();
        var answer = await phone.PushAsync(Op("create", id, 0, """{"title":"Offline notes","tags":["a"],"old":null}""", opId: "op-1"));

        Assert.Equal((201, "\"rev-1\"", "application/json"), (answer.Status, answer.Header("ETag"), answer.ContentType));
        Assert.Matches($"^/v1/spaces/[0-9a-f-]{{36}}/records/note/{id}$", answer.Header("Location"));
        var at = answer["record.updatedAtServer"];
        AssertJson($$$"""
            {"opId":"op-1","status":201,"result":"applied","record":{"entity":"note","id":"{{{id}}}","rev":1,"deleted":false,
             "updatedAtServer":"{{{at}}}","updatedBy":"{{{phone.Principal}}}","opId":"op-1","data":{"title":"Offline notes","tags":["a"]} } }
            """, answer.Body);
    }

    [Fact]
    public async Task An_update_of_the_current_revision_is_applied()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","address":{"city":"Rome","zip":"1"}}""");
        var answer = await phone.PushAsync("update", id, 1, """{"title":"b","address":{"zip":null}}""");

        Assert.Equal((200, "applied", "\"rev-2\""), (answer.Status, answer["result"], answer.Header("ETag")));
        Assert.Null(answer.Header("Location"));
        AssertJson("""{"title":"b","address":{"city":"Rome"}}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task Edits_of_different_fields_merge_and_say_how()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var answer = await phone.PushAsync("update", id, 1, """{"body":"y"}""");

        Assert.Equal((200, "merged", "3"), (answer.Status, answer["result"], answer["record.rev"]));
        AssertJson("""{"title":"b","body":"y"}""", answer.Body["record"]!["data"]!);
        AssertJson("""
            [{"path":"/title","rule":"review","base":"a","theirs":"b","yours":"a","merged":"b"},
             {"path":"/body","rule":"review","base":"x","theirs":"x","yours":"y","merged":"y"}]
            """, answer.Body["merge"]!);
    }

    [Fact]
    public async Task Equal_values_agree_whatever_happened_in_between()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var tablet = phone.Other("tablet");
        await tablet.PushAsync("update", id, 1, """{"title":"b"}""");
        var agreed = await phone.PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal((200, "merged", "2"), (agreed.Status, agreed["result"], agreed["record.rev"]));

        await tablet.PushAsync("update", id, 2, """{"title":"a"}""");
        var untouched = await phone.Other("watch").PushAsync("update", id, 1, """{"title":"c"}""");
        Assert.Equal((200, "c", "4"), (untouched.Status, untouched["record.data.title"], untouched["record.rev"]));
    }

    [Fact]
    public async Task An_edit_of_what_somebody_else_changed_is_parked_with_everything_a_choice_needs()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var answer = await phone.PushAsync(Op("update", id, 1, """{"title":"c","body":"y"}""", opId: "mine"));

        Assert.Equal((409, "application/problem+json", "\"rev-2\""), (answer.Status, answer.ContentType, answer.Header("ETag")));
        Assert.Equal(("/problems/conflict", "mine", "409", "\"rev-2\""), (answer["type"], answer["opId"], answer["status"], answer["etag"]));
        AssertJson("""{"title":"b","body":"x"}""", answer.Body["current"]!["data"]!);
        AssertJson("""[{"path":"/title","rule":"review","base":"a","theirs":"b","yours":"c"}]""", answer.Body["conflicts"]!);
        var (changes, _) = await phone.PullAllAsync();
        var parked = Assert.Single(changes, change => change["entity"]!.ToString() == "$conflict");
        Assert.Equal(answer["conflictId"], parked["id"]!.ToString());
        AssertJson("""{"title":"c","body":"y"}""", parked["data"]!["yours"]!);
        AssertJson("""{"title":"b","body":"x"}""", changes.Single(change => change["id"]!.ToString() == id)["data"]!);
    }

    [Fact]
    public async Task A_change_of_a_parent_meets_every_path_below_it()
    {
        var (phone, id) = await WithNoteAsync("""{"address":{"city":"Rome"}}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"address":"none"}""");
        var answer = await phone.PushAsync("update", id, 1, """{"address":{"zip":"1"}}""");
        Assert.Equal((409, "/problems/conflict"), (answer.Status, answer["type"]));
        AssertJson("""[{"path":"/address/zip","rule":"review","yours":"1"}]""", answer.Body["conflicts"]!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_create_of_an_id_that_exists_or_existed_is_already_exists(bool deleted)
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        if (deleted)
        {
            await phone.PushAsync("delete", id, 1);
        }

        var answer = await phone.Other("tablet").PushAsync("create", id, 0, """{"title":"b"}""");
        Assert.Equal((409, "/problems/already-exists", deleted ? "true" : "false"), (answer.Status, answer["type"], answer["current.deleted"]));
        Assert.NotNull(answer["conflictId"]);
    }

    [Fact]
    public async Task A_restore_of_a_live_record_is_already_exists()
    {
        var (phone, id) = await WithNoteAsync("{}");
        var answer = await phone.PushAsync("restore", id, 1);
        Assert.Equal((409, "/problems/already-exists"), (answer.Status, answer["type"]));
    }

    [Fact]
    public async Task An_edit_of_a_record_deleted_elsewhere_is_parked_with_the_tombstone()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("delete", id, 1);
        var answer = await phone.PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal((409, "/problems/deleted-elsewhere", "true", "\"rev-2\""), (answer.Status, answer["type"], answer["current.deleted"], answer["etag"]));
        Assert.Null(answer.Body["current"]!["data"]);
    }

    [Fact]
    public async Task A_delete_of_a_record_edited_elsewhere_is_parked()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var answer = await phone.PushAsync("delete", id, 1);
        Assert.Equal((409, "/problems/edited-elsewhere"), (answer.Status, answer["type"]));
        AssertJson("""[{"path":"/title","rule":"onEditDelete","base":"a","theirs":"b"}]""", answer.Body["conflicts"]!);
    }

    [Fact]
    public async Task A_delete_leaves_a_tombstone_and_a_second_delete_agrees()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var first = await phone.PushAsync("delete", id, 1);
        Assert.Equal((200, "applied", "2", "true"), (first.Status, first["result"], first["record.rev"], first["record.deleted"]));
        Assert.Null(first.Body["record"]!["data"]);
        var second = await phone.Other("tablet").PushAsync("delete", id, 1);
        Assert.Equal((200, "merged", "2", "true"), (second.Status, second["result"], second["record.rev"], second["record.deleted"]));
    }

    [Fact]
    public async Task A_restore_brings_the_last_data_back_as_a_new_revision()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.PushAsync("delete", id, 1);
        var answer = await phone.PushAsync("restore", id, 2);
        Assert.Equal((200, "applied", "3"), (answer.Status, answer["result"], answer["record.rev"]));
        AssertJson("""{"title":"a"}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task An_op_that_changes_nothing_is_accepted_and_makes_no_change()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var (_, cursor) = await phone.PullAllAsync();
        var answer = await phone.PushAsync("update", id, 1, """{"title":"a"}""");
        Assert.Equal((200, "applied", "1"), (answer.Status, answer["result"], answer["record.rev"]));
        Assert.Empty((await phone.PullAllAsync(cursor)).Changes);
    }

    [Fact]
    public async Task If_Match_makes_an_op_strict()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var refused = await phone.PushAsync(Op("update", id, 1, """{"body":"y"}""", opId: "strict"), ("If-Match", "\"rev-1\""));
        Assert.Equal((412, "/problems/precondition-failed", "2", "\"rev-2\""), (refused.Status, refused["type"], refused["current.rev"], refused["etag"]));
        var repeat = await phone.PushAsync(Op("update", id, 1, """{"body":"y"}""", opId: "strict"), ("If-Match", "\"rev-1\""));
        Assert.Equal((412, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        var applied = await phone.PushAsync(Op("update", id, 1, """{"body":"y"}"""), ("If-Match", "\"rev-2\""));
        Assert.Equal((200, "applied", "3"), (applied.Status, applied["result"], applied["record.rev"]));
    }

    [Theory]
    [InlineData("update", 410, "/problems/gone")]
    [InlineData("delete", 410, "/problems/gone")]
    [InlineData("create", 409, "/problems/already-exists")]
    public async Task A_strict_op_on_a_tombstone_is_refused_and_not_parked(string kind, int status, string type)
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("delete", id, 1);
        var op = Op(kind, id, null, kind == "delete" ? null : """{"title":"b"}""", opId: "strict");
        var refused = await phone.PushAsync(op, ("If-Match", "\"rev-2\""));
        Assert.Equal((status, type, "true", "\"rev-2\"", null),
            (refused.Status, refused["type"], refused["current.deleted"], refused["etag"], refused["conflictId"]));
        Assert.Equal("true", (await phone.PushAsync(op, ("If-Match", "\"rev-2\""))).Header("Idempotent-Replayed"));
    }

    [Theory]
    [InlineData("update")]
    [InlineData("delete")]
    [InlineData("restore")]
    public async Task An_op_on_an_id_that_never_existed_is_404_and_not_stored(string kind)
    {
        var phone = New();
        var id = NewId();
        var op = Op(kind, id, 0, kind == "update" ? """{"a":1}""" : null, opId: "early");
        var early = await phone.PushAsync(op);
        Assert.Equal((404, "/problems/record-not-found"), (early.Status, early["type"]));

        await phone.PushAsync("create", id, 0, """{"title":"a"}""");
        var again = await phone.PushAsync(op);
        Assert.NotEqual(404, again.Status);
        Assert.Null(again.Header("Idempotent-Replayed"));
    }

    [Theory]
    [InlineData("update")]
    [InlineData("delete")]
    [InlineData("restore")]
    public async Task An_op_without_the_revision_it_needs_is_428(string kind)
    {
        var (phone, id) = await WithNoteAsync("{}");
        var answer = await phone.PushAsync(kind, id, null, kind == "update" ? """{"a":1}""" : null);
        Assert.Equal((428, "/problems/precondition-required"), (answer.Status, answer["type"]));
    }

    [Fact]
    public async Task A_base_revision_above_the_record_and_another_epoch_are_410_and_not_stored()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var ahead = await phone.PushAsync(Op("update", id, 9, """{"title":"b"}""", opId: "later"));
        Assert.Equal((410, "/problems/resync-required", "ahead"), (ahead.Status, ahead["type"], ahead["reason"]));
        var epoch = (await phone.PullAsync())["epoch"]!;
        Assert.Equal(epoch, ahead["epoch"]);

        var other = await phone.PushAsync(Op("update", id, 1, """{"title":"b"}""", opId: "later"), ("Sync-Epoch", "another"));
        Assert.Equal((410, "epoch"), (other.Status, other["reason"]));
        var known = await phone.PushAsync(Op("update", id, 1, """{"title":"b"}""", opId: "later"), ("Sync-Epoch", epoch));
        Assert.Equal((200, "applied"), (known.Status, known["result"]));
    }

    [Fact]
    public async Task A_dependency_that_is_not_applied_is_424_and_names_it()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var op = Op("create", NewId(), 0, "{}", more: ""","dependsOn":["first"]""");
        var early = await phone.PushAsync(op);
        Assert.Equal((424, "first", "unknown"), (early.Status, early["dependency.opId"], early["dependency.state"]));
        await phone.PushAsync(Op("update", id, 1, """{"title":"b"}""", opId: "first"));
        Assert.Equal(201, (await phone.PushAsync(op)).Status);
    }

    [Fact]
    public async Task A_record_over_its_limit_is_rejected_and_stays_as_it_was()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var large = $$"""{"body":"{{new string('x', 256 * 1024)}}"}""";
        var answer = await phone.PushAsync("update", id, 1, large);
        Assert.Equal((422, "/problems/rejected", "1"), (answer.Status, answer["type"], answer["current.rev"]));
        Assert.NotEmpty(answer.Body["errors"]!.AsArray());
    }

    [Fact]
    public async Task An_unknown_intent_operator_is_422_and_not_stored()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var answer = await phone.PushAsync(Op("update", id, 1, """{"title":{"$shout":1}}""", opId: "again"));
        Assert.Equal((422, "/problems/invalid-operator", "/patch/title"), (answer.Status, answer["type"], answer.Body["errors"]![0]!["pointer"]!.ToString()));
        Assert.Equal(200, (await phone.PushAsync(Op("update", id, 1, """{"title":"b"}""", opId: "again"))).Status);
    }

    [Fact]
    public async Task A_space_is_404_to_those_outside_whether_it_exists_or_not()
    {
        var (phone, _) = await WithNoteAsync("{}");
        var location = (await phone.PushAsync("create", NewId(), 0, "{}")).Header("Location")!;
        var stranger = New().In(location.Split('/')[3]);
        var nowhere = New().In(NewId());
        var answers = new[]
        {
            await stranger.PushAsync("create", NewId(), 0, "{}"), await nowhere.PushAsync("create", NewId(), 0, "{}"),
            await stranger.PullAsync(), await nowhere.PullAsync(), await New().In("no-space").PullAsync(),
        };
        Assert.All(answers, answer => Assert.Equal((404, "/problems/not-found"), (answer.Status, answer["type"])));
    }

    /// <summary>Somebody new with one note at revision 1.</summary>
    internal static async Task<(Device Phone, string Id)> WithNoteAsync(string data)
    {
        var phone = New(name: "maker");
        var id = NewId();
        Assert.Equal(201, (await phone.PushAsync("create", id, 0, data)).Status);
        return (phone.Other("phone"), id);
    }

    internal static void AssertJson(string expected, JsonNode actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), $"expected {expected}\nbut was  {actual.ToJsonString()}");
}
