using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>A rule in code holds whichever way a write comes.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class CodeRuleTests(DefinedServers servers)
{
    [Fact]
    public async Task A_push_that_breaks_the_rule_is_rejected_with_its_errors_stored_and_replayed()
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("purchase", """{"paid":false}""");
        var op = Op("update", id, 1, """{"shipped":true}""", entity: "purchase");
        var answer = await phone.PushAsync(op);
        Assert.Equal((422, "/problems/rejected", "1"), (answer.Status, answer["type"], answer["current.rev"]));
        AssertJson("""[{"pointer":"/shipped","detail":"An order ships after it is paid."}]""", answer.Body["errors"]!);
        Assert.Equal(answer.Bytes, (await phone.PushAsync(op)).Bytes);
        Assert.Equal(200, (await phone.WriteAsync("purchase", "update", id, (1, """{"paid":true,"shipped":true}"""))).Status);
    }

    [Fact]
    public async Task The_rule_sees_what_a_merge_of_two_devices_would_write()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("purchase", """{"paid":true}""");
        await tablet.WriteAsync("purchase", "update", id, (1, """{"paid":false}"""));
        Assert.Equal(422, (await phone.WriteAsync("purchase", "update", id, (1, """{"shipped":true}"""))).Status);
        await tablet.WriteAsync("purchase", "update", id, (2, """{"paid":true}"""));
        Assert.Equal(200, (await phone.WriteAsync("purchase", "update", id, (1, """{"shipped":true}"""))).Status);
    }

    [Fact]
    public async Task PUT_is_held_to_the_rule()
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("purchase", """{"paid":false}""");
        var answer = await phone.SendAsync(HttpMethod.Put, $"records/purchase/{id}", """{"shipped":true}""",
            ("Idempotency-Key", NewId()), ("If-Match", "\"rev-1\""));
        Assert.Equal((422, "/problems/rejected", "/shipped"), (answer.Status, answer["type"], answer.Body["errors"]![0]!["pointer"]!.ToString()));
    }

    [Fact]
    public async Task A_resolution_that_breaks_the_rule_leaves_the_conflict_open()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("purchase", """{"paid":true,"note":"a"}""");
        await tablet.WriteAsync("purchase", "update", id, (1, """{"note":"b","paid":false}"""));
        var parked = await phone.WriteAsync("purchase", "update", id, (1, """{"note":"c","shipped":true}"""));
        Assert.Equal(409, parked.Status);
        var conflict = parked["conflictId"]!;
        Assert.Equal(422, (await phone.ResolveAsync(conflict, """{"choice":"mine"}""", ("If-Match", "\"rev-2\""))).Status);
        Assert.Equal("open", (await phone.GetAsync($"conflicts/{conflict}"))["state"]);
        var merged = await phone.ResolveAsync(conflict, """{"choice":"merge","patch":{"note":"b and c"}}""", ("If-Match", "\"rev-2\""));
        Assert.Equal((200, "b and c"), (merged.Status, merged["record.data.note"]));
    }
}
