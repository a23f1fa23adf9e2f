using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>What the losing side wrote can be read afterwards, and a device's later op stays without a base too.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class LosingSideTests(DefinedServers servers)
{
    [Theory]
    [InlineData("keep", "1", "2", "3")]
    [InlineData("max", "1", "9", "5")]
    [InlineData("min", "9", "1", "5")]
    public async Task A_value_that_lost_and_changed_nothing_stands_in_history_beside_the_one_that_won(string policy, string @base, string theirs, string yours)
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", Field(policy, @base));
        await tablet.WriteAsync("sheet", "update", id, (1, Field(policy, theirs)));
        var answer = await phone.WriteAsync("sheet", "update", id, (1, Field(policy, yours)));
        Assert.Equal((200, "merged", "2"), (answer.Status, answer["result"], answer["record.rev"]));

        var history = (await phone.HistoryAsync("sheet", id)).Body["history"]!.AsArray();
        var (lost, won) = (history[0]!, history[1]!);
        Assert.Equal(("true", "phone", "2", null), (lost["unchanged"]!.ToString(), lost["device"]!.ToString(), lost["rev"]!.ToString(), lost["seq"]));
        AssertJson(Field(policy, yours), lost["sent"]!);
        AssertJson(
            $$"""[{"path":"/{{policy}}","rule":"{{policy}}","base":{{@base}},"theirs":{{theirs}},"yours":{{yours}},"merged":{{theirs}}}]""", lost["merge"]!);
        AssertJson($$"""[{"path":"/{{policy}}","before":{{@base}},"after":{{theirs}}}]""", won["changes"]!);
    }

    [Fact]
    public async Task A_value_that_lost_without_a_device_stands_there_too()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", """{"keep":1}""");
        await tablet.WriteAsync("sheet", "update", id, (1, """{"keep":2}"""));
        await phone.Other("").WriteAsync("sheet", "update", id, (1, """{"keep":3}"""));
        var lost = (await phone.HistoryAsync("sheet", id)).Body["history"]![0]!;
        Assert.Equal(("", """{"keep":3}"""), (lost["device"]!.ToString(), lost["sent"]!.ToJsonString()));
    }

    [Fact]
    public async Task An_op_that_lost_in_one_field_and_changed_another_shows_what_was_sent_and_what_was_applied()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", """{"keep":1,"lww":1}""");
        await tablet.WriteAsync("sheet", "update", id, (1, """{"keep":2}"""));
        await phone.WriteAsync("sheet", "update", id, (1, """{"keep":3,"lww":3}"""));
        var change = (await phone.HistoryAsync("sheet", id)).Body["history"]![0]!;
        AssertJson("""{"keep":3,"lww":3}""", change["sent"]!);
        AssertJson("""{"lww":3}""", change["patch"]!);
        AssertJson("""[{"path":"/lww","before":1,"after":3}]""", change["changes"]!);
    }

    [Theory]
    [InlineData("""{"lww":2}""", """{"lww":3,"max":7}""", """{"lww":2,"max":7,"counter":1}""")]
    [InlineData("""{"lww":1}""", """{"lww":3}""", """{"lww":1,"max":1,"counter":1}""")]
    [InlineData("""{"counter":9}""", """{"counter":{"$inc":1}}""", """{"lww":1,"max":1,"counter":9}""")]
    public async Task A_late_op_without_a_base_leaves_what_a_later_own_op_touched(string later, string late, string data)
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", """{"lww":1,"max":1,"counter":1}""");
        Assert.Equal(200, (await phone.PushAsync(Op("update", id, 1, later, 2, entity: "sheet"))).Status);
        await tablet.WriteAsync("sheet", "update", id, (1, """{"other":1}"""));
        // At the other server, so that what is known of the later op comes out of the database.
        var answer = await phone.Other("phone", servers.B).PushAsync(Op("update", id, null, late, 1, entity: "sheet"));
        Assert.Equal((200, "merged"), (answer.Status, answer["result"]));
        Assert.Equal("own-later", answer.Body["merge"]![0]!["rule"]!.ToString());
        var after = answer.Body["record"]!["data"]!.AsObject();
        after.Remove("other");
        AssertJson(data, after);
    }

    private static string Field(string name, string value) => $$"""{"{{name}}":{{value}}}""";
}
