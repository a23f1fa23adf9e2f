using System.Text.Json.Nodes;
using SyncServer.Core.Spaces;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Conflicts;

public sealed class ConflictReadTests
{
    [Fact]
    public async Task A_conflict_is_read_with_what_was_parked_and_the_record_as_it_is_now()
    {
        var (phone, id, parked) = await WithConflictAsync();
        var conflictId = parked["conflictId"]!;
        await phone.Other("tablet").PushAsync("update", id, 2, """{"body":"z"}""");

        var answer = await phone.GetAsync($"conflicts/{conflictId}");
        Assert.Equal((200, "private, no-cache"), (answer.Status, answer.Header("Cache-Control")));
        var record = await phone.ReadAsync(id);
        AssertJson($$$"""
            {"conflictId":"{{{conflictId}}}","state":"open","kind":"conflict","entity":"note","id":"{{{id}}}",
             "ops":[{"opId":"mine","kind":"update","baseRev":1,"patch":{"title":"c","body":"y"},"n":3,"at":"{{{answer.Body["ops"]![0]!["at"]}}}"}],
             "by":"{{{phone.Principal}}}","device":"phone",
             "base":{"title":"a","body":"x"},"yours":{"title":"c","body":"y"},"theirs":{"title":"b","body":"x"},
             "conflicts":[{"path":"/title","rule":"review","base":"a","theirs":"b","yours":"c"}],
             "current":{{{record.Body.ToJsonString()}}},"etag":"\"rev-3\""}
            """, answer.Body);
        AssertJson((await phone.GetAsync("conflicts")).Body.ToJsonString(), new JsonObject { ["conflicts"] = new JsonArray(answer.Body), ["hasMore"] = false });
    }

    [Fact]
    public async Task The_refusal_the_feed_and_the_list_tell_the_same_conflict()
    {
        var (phone, _, parked) = await WithConflictAsync();
        var fed = Assert.Single((await phone.PullAllAsync()).Changes, change => change["entity"]!.ToString() == "$conflict");
        Assert.Equal((parked["conflictId"], "1", null), (fed["id"]!.ToString(), fed["rev"]!.ToString(), fed["data"]!["current"]));
        AssertJson(parked.Body["conflicts"]!.ToJsonString(), fed["data"]!["conflicts"]!);

        var listed = (await phone.GetAsync("conflicts")).Body["conflicts"]![0]!.AsObject();
        listed.Remove("current");
        listed.Remove("etag");
        AssertJson(fed["data"]!.ToJsonString(), listed);
        var read = await phone.GetAsync($"records/$conflict/{parked["conflictId"]}");
        AssertJson(fed.ToJsonString(), read.Body);
        Assert.Equal(200, (await phone.GetAsync("records/$conflict")).Status);
    }

    [Fact]
    public async Task A_later_op_of_the_device_joins_and_another_device_opens_its_own()
    {
        var (phone, id, parked) = await WithConflictAsync();
        var joined = await phone.PushAsync(Op("update", id, 1, """{"title":"d"}""", opId: "second"));
        Assert.Equal((409, parked["conflictId"]), (joined.Status, joined["conflictId"]));
        var elsewhere = await phone.PushAsync("update", id, 1, """{"other":1}""");
        Assert.Equal(200, elsewhere.Status);
        var watch = await phone.Other("watch").PushAsync("update", id, 1, """{"title":"e"}""");
        Assert.Equal(409, watch.Status);
        Assert.NotEqual(parked["conflictId"], watch["conflictId"]);

        var open = (await phone.GetAsync("conflicts")).Body["conflicts"]!.AsArray();
        Assert.Equal([parked["conflictId"]!, watch["conflictId"]!], open.Select(conflict => conflict!["conflictId"]!.ToString()));
        Assert.Equal(["mine", "second"], open[0]!["ops"]!.AsArray().Select(op => op!["opId"]!.ToString()));
        AssertJson("""{"title":"d","body":"y"}""", open[0]!["yours"]!);
    }

    [Fact]
    public async Task The_current_of_a_deleted_record_is_its_tombstone()
    {
        var (phone, id, parked) = await WithConflictAsync();
        await phone.Other("tablet").PushAsync("delete", id, 2);
        var answer = await phone.GetAsync($"conflicts/{parked["conflictId"]}");
        Assert.Equal(("true", "3", "\"rev-3\"", null), (answer["current.deleted"], answer["current.rev"], answer["etag"], answer["current.data"]));
    }

    [Fact]
    public async Task Conflicts_are_listed_oldest_first_page_by_page_and_by_entity()
    {
        var phone = New();
        var ids = new List<string>();
        foreach (var entity in new[] { "note", "task", "note", "list" })
        {
            ids.Add(await ParkAsync(phone, entity));
        }

        var ordered = ids.Order(StringComparer.Ordinal).ToList();
        var first = await phone.GetAsync("conflicts?limit=3");
        Assert.Equal(ordered[..3], Ids(first));
        Assert.Equal("true", first["hasMore"]);
        var second = await phone.GetAsync($"conflicts?limit=3&cursor={first["cursor"]}");
        Assert.Equal(ordered[3..], Ids(second));
        Assert.Equal(("false", null), (second["hasMore"], second["cursor"]));
        Assert.Equal(ordered.Except([ids[1]]), Ids(await phone.GetAsync("conflicts?state=open&entity=note&entity=list")));
        Assert.Equal([ids[1]], Ids(await phone.GetAsync("conflicts?entity=task")));
        Assert.Empty(Ids(await phone.GetAsync("conflicts?entity=none")));
    }

    [Fact]
    public async Task A_page_of_conflicts_is_cut_by_the_sizes_of_their_records()
    {
        var phone = New();
        string[] ids = [await ParkAsync(phone, "note"), await ParkAsync(phone, "note")];
        await RecordRequests.RunAsync("UPDATE records SET data_bytes = 1100000 WHERE record_id = $1", ids.Max(StringComparer.Ordinal)!);
        var page = await phone.GetAsync("conflicts");
        Assert.Equal([ids.Min(StringComparer.Ordinal)!], Ids(page));
        Assert.Equal("true", page["hasMore"]);
    }

    [Theory]
    [InlineData("?state=")]
    [InlineData("?state=closed")]
    [InlineData("?state=open&state=resolved")]
    [InlineData("?entity=")]
    [InlineData("?entity=1note")]
    public async Task A_malformed_filter_is_400(string query)
    {
        var answer = await New().GetAsync("conflicts" + query);
        Assert.Equal((400, "/problems/invalid-request"), (answer.Status, answer["type"]));
    }

    [Fact]
    public async Task A_resolved_conflict_is_listed_as_such_while_history_is_kept()
    {
        var (phone, id, parked) = await WithConflictAsync();
        var conflictId = parked["conflictId"]!;
        var space = Guid.Parse(await phone.SpaceIdAsync());
        var open = (await phone.GetAsync($"conflicts/{conflictId}")).Body;
        await ResolveInTablesAsync(space, conflictId);
        open["state"] = "resolved";

        Assert.Empty(Ids(await phone.GetAsync("conflicts")));
        Assert.Equal([conflictId], Ids(await phone.GetAsync("conflicts?state=resolved")));
        AssertJson(open.ToJsonString(), (await phone.GetAsync($"conflicts/{conflictId}")).Body);

        await RecordRequests.RunAsync("UPDATE records SET data = NULL, seq = NULL WHERE space_id = $1 AND record_id = $2", space, conflictId);
        AssertJson(open.ToJsonString(), (await phone.GetAsync($"conflicts/{conflictId}")).Body);
        Assert.Equal([conflictId], Ids(await phone.GetAsync("conflicts?state=resolved")));

        await RecordRequests.RunAsync("DELETE FROM changes WHERE space_id = $1 AND record_id = $2", space, conflictId);
        Assert.Equal(404, (await phone.GetAsync($"conflicts/{conflictId}")).Status);
        Assert.Empty(Ids(await phone.GetAsync("conflicts?state=resolved")));
    }

    [Fact]
    public async Task Unknown_conflicts_and_those_of_other_spaces_are_404_and_malformed_ids_400()
    {
        var (phone, _, parked) = await WithConflictAsync();
        Assert.Equal(404, (await phone.GetAsync($"conflicts/{NewId()}")).Status);
        Assert.Equal(404, (await New().GetAsync($"conflicts/{parked["conflictId"]}")).Status);
        Assert.Equal(400, (await phone.GetAsync("conflicts/a%20b")).Status);
    }

    [Fact]
    public async Task Readers_may_read_conflicts_and_outsiders_may_not()
    {
        var (phone, _, parked) = await WithConflictAsync();
        var reader = await phone.MemberAsync(Role.Reader);
        Assert.Equal([parked["conflictId"]!], Ids(await reader.GetAsync("conflicts")));
        Assert.Equal(200, (await reader.GetAsync($"conflicts/{parked["conflictId"]}")).Status);
        var outside = New().In(await phone.SpaceIdAsync());
        Assert.Equal(404, (await outside.GetAsync("conflicts")).Status);
        Assert.Equal(404, (await outside.GetAsync($"conflicts/{parked["conflictId"]}")).Status);
    }

    private static async Task<(Device Phone, string Id, Answer Parked)> WithConflictAsync()
    {
        var (phone, id) = await Push.OutcomeTests.WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var parked = await phone.PushAsync(Op("update", id, 1, """{"title":"c","body":"y"}""", n: 3, opId: "mine"));
        Assert.Equal(409, parked.Status);
        return (phone, id, parked);
    }

    private static async Task<string> ParkAsync(Device phone, string entity)
    {
        var id = NewId();
        await phone.Other("tablet").PushAsync(On(entity, Op("create", id, 0, """{"title":"a"}""")));
        var parked = await phone.PushAsync(On(entity, Op("create", id, 0, """{"title":"b"}""")));
        Assert.Equal(409, parked.Status);
        return parked["conflictId"]!;
    }

    private static string On(string entity, string op) => op.Replace("\"note\"", $"\"{entity}\"", StringComparison.Ordinal);

    /// <summary>What a resolution leaves in the tables: a tombstone, its entry in the log, and the mark in the index.</summary>
    private static async Task ResolveInTablesAsync(Guid space, string conflictId)
    {
        await RecordRequests.RunAsync("""
            INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, patch, sent, before, bytes, first_seq)
            SELECT space_id, 1000, entity, record_id, rev + 1, 3, 'r', updated_by, '', NULL, updated_at, 1, NULL, NULL, data, data_bytes,
                CASE WHEN rev = 1 THEN seq END
            FROM records WHERE space_id = $1 AND record_id = $2
            """, space, conflictId);
        await RecordRequests.RunAsync("UPDATE records SET deleted = true, rev = rev + 1, seq = 1000 WHERE space_id = $1 AND record_id = $2", space, conflictId);
        await RecordRequests.RunAsync("UPDATE conflicts SET state = 2 WHERE space_id = $1 AND conflict_id = $2", space, conflictId);
    }

    private static List<string> Ids(Answer answer) =>
        [.. answer.Body["conflicts"]!.AsArray().Select(conflict => conflict!["conflictId"]!.ToString())];
}
