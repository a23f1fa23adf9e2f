using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>Protocol 3.1: operators say what the user meant, so they are done to whatever is there.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class OperatorTests(DefinedServers servers)
{
    [Theory]
    [InlineData("1", """{"$inc":2.5}""", "3.5")]
    [InlineData("0.1", """{"$inc":0.2}""", "0.3")]
    [InlineData("""["a"]""", """{"$append":["a","b"]}""", """["a","a","b"]""")]
    [InlineData("""["a"]""", """{"$add":["a","b"]}""", """["a","b"]""")]
    [InlineData("""["a","b","c"]""", """{"$remove":["b","x"]}""", """["a","c"]""")]
    [InlineData("3", """{"$max":7}""", "7")]
    [InlineData("3", """{"$max":1}""", "3")]
    [InlineData("\"b\"", """{"$min":"a"}""", "\"a\"")]
    public async Task An_operator_is_done_to_the_value_that_is_there_without_a_base_revision(string before, string change, string after)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", $$"""{"review":{{before}}}""");
        var answer = await phone.WriteAsync("sheet", "update", id, (null, $$"""{"review":{{change}}}"""));
        Assert.Equal((200, "applied"), (answer.Status, answer["result"]));
        AssertJson($$"""{"review":{{after}}}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task An_operator_merges_with_what_others_wrote_and_says_so()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", """{"review":["a"],"append":["x"]}""");
        await tablet.WriteAsync("sheet", "update", id, (1, """{"review":["b"],"append":{"$append":["theirs"]}}"""));
        var answer = await phone.WriteAsync("sheet", "update", id, (1, """{"review":{"$add":["c"]},"append":{"$append":["yours"]}}"""));
        Assert.Equal((200, "merged"), (answer.Status, answer["result"]));
        AssertJson("""
            [{"path":"/review","rule":"review","base":["a"],"theirs":["b"],"yours":["a","c"],"merged":["b","c"]},
             {"path":"/append","rule":"append","base":["x"],"theirs":["x","theirs"],"yours":["x","yours"],"merged":["x","theirs","yours"]}]
            """, answer.Body["merge"]!);
    }

    [Fact]
    public async Task Compaction_replaces_the_updates_that_it_names()
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", """{"crdt":{"updates":["QQ==","Qg=="]}}""");
        // SHA-256 of the one byte "A".
        const string Hash = "559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd";
        var answer = await phone.WriteAsync("sheet", "update", id, (null, $$$$"""{"crdt":{"$compact":{"snapshot":"QUI=","replaces":["{{{{Hash}}}}"]}}}"""));
        AssertJson("""{"crdt":{"updates":["Qg==","QUI="]}}""", answer.Body["record"]!["data"]!);
        var again = await phone.WriteAsync("sheet", "update", id, (null, """{"crdt":{"$append":["Qg=="]}}"""));
        Assert.Equal((200, "2"), (again.Status, again["record.rev"]));
    }

    [Theory]
    [InlineData("""{"$inc":"1"}""")]
    [InlineData("""{"$append":"a"}""")]
    [InlineData("""{"$add":{"a":1}}""")]
    [InlineData("""{"$remove":1}""")]
    [InlineData("""{"$max":true}""")]
    [InlineData("""{"$min":[1]}""")]
    [InlineData("""{"$compact":{"snapshot":"QQ=="}}""")]
    [InlineData("""{"$compact":{"snapshot":"?","replaces":[]}}""")]
    [InlineData("""{"$compact":{"snapshot":"QQ==","replaces":["ab"]}}""")]
    [InlineData("""{"$shout":1}""")]
    public async Task A_wrong_operand_is_422_at_its_pointer_and_not_stored(string change)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", """{"a":{"b":1}}""");
        var answer = await phone.PushAsync(Op("update", id, 1, $$"""{"a":{"b":{{change}} } }""", opId: "again", entity: "sheet"));
        Assert.Equal((422, "/problems/invalid-operator", "/patch/a/b"),
            (answer.Status, answer["type"], answer.Body["errors"]![0]!["pointer"]!.ToString()));
        Assert.Equal(200, (await phone.PushAsync(Op("update", id, 1, """{"a":2}""", opId: "again", entity: "sheet"))).Status);
    }

    [Theory]
    [InlineData("review", "\"text\"", """{"$inc":1}""")]
    [InlineData("review", "1", """{"$append":[1]}""")]
    [InlineData("review", "\"text\"", """{"$max":1}""")]
    [InlineData("crdt", """{"updates":[]}""", """{"$append":["not base64"]}""")]
    [InlineData("crdt", """{"updates":[]}""", """{"$inc":1}""")]
    public async Task An_operator_on_a_value_of_another_type_is_rejected_and_stored(string field, string before, string change)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", $$"""{"{{field}}":{{before}}}""");
        var op = Op("update", id, 1, $$"""{"{{field}}":{{change}}}""", entity: "sheet");
        var answer = await phone.PushAsync(op);
        Assert.Equal((422, "/problems/rejected", "1", "/" + field),
            (answer.Status, answer["type"], answer["current.rev"], answer.Body["errors"]![0]!["pointer"]!.ToString()));
        var repeat = await phone.PushAsync(op);
        Assert.Equal((422, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(answer.Bytes, repeat.Bytes);
    }

    [Theory]
    [InlineData("strict", 409)]
    [InlineData("keep", 200)]
    public async Task Strict_asks_and_keep_keeps_even_against_an_operator(string field, int status)
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", $$"""{"{{field}}":1}""");
        await tablet.WriteAsync("sheet", "update", id, (1, $$"""{"{{field}}":2}"""));
        Assert.Equal(428, (await phone.WriteAsync("sheet", "update", id, (null, $$$"""{"{{{field}}}":{"$inc":1}}"""))).Status);
        Assert.Equal(status, (await phone.WriteAsync("sheet", "update", id, (1, $$$"""{"{{{field}}}":{"$inc":1}}"""))).Status);
        AssertJson($$"""{"{{field}}":2}""", (await phone.ReadAsync("sheet", id)).Body["data"]!);
    }

    [Fact]
    public async Task Increments_of_twenty_devices_at_two_servers_add_up_exactly()
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", """{"counter":0}""");
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            var device = phone.Other($"device-{i}", i % 2 == 0 ? servers.A : servers.B);
            var statuses = new List<int>();
            for (var round = 0; round < 5; round++)
            {
                statuses.Add((await device.WriteAsync("sheet", "update", id, (1, """{"counter":{"$inc":0.1}}"""))).Status);
            }

            return statuses;
        }));
        Assert.All(answers.SelectMany(statuses => statuses), status => Assert.Equal(200, status));
        var record = await phone.ReadAsync("sheet", id);
        Assert.Equal(("101", 10m), (record["rev"], (decimal)record.Body["data"]!["counter"]!));
    }
}
