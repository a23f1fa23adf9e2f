using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;

namespace SyncServer.Tests.Merge;

/// <summary>Protocol 4: what each policy makes of a field that two devices changed while neither saw the other.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class PolicyTests(DefinedServers servers)
{
    [Theory]
    [InlineData("lww", "1", "2", "3", "3")]
    [InlineData("keep", "1", "2", "3", "2")]
    [InlineData("set", """["a","b"]""", """["a","b","c"]""", """["b","d"]""", """["b","c","d"]""")]
    [InlineData("counter", "10", "12", "15", "17")]
    [InlineData("max", "1", "5", "9", "9")]
    [InlineData("max", "1", "9", "5", "9")]
    [InlineData("min", "9", "5", "1", "1")]
    [InlineData("text", "\"one two\\nthree\"", "\"one 2\\nthree\"", "\"one two\\nthree!\"", "\"one 2\\nthree!\"")]
    [InlineData("crdt", """{"updates":["QQ=="]}""", """{"updates":["QQ==","Qg=="]}""", """{"updates":["QQ==","Qw=="]}""", """{"updates":["QQ==","Qg==","Qw=="]}""")]
    public async Task A_policy_decides_between_two_devices_and_says_how(string policy, string @base, string theirs, string yours, string merged)
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", Field(policy, @base));
        Assert.Equal("applied", (await tablet.WriteAsync("sheet", "update", id, (1, Field(policy, theirs))))["result"]);
        var answer = await phone.WriteAsync("sheet", "update", id, (1, Field(policy, yours)));

        Assert.Equal((200, "merged"), (answer.Status, answer["result"]));
        AssertJson(Field(policy, merged), answer.Body["record"]!["data"]!);
        AssertJson(
            $$"""[{"path":"/{{policy}}","rule":"{{policy}}","base":{{@base}},"theirs":{{theirs}},"yours":{{yours}},"merged":{{merged}}}]""",
            answer.Body["merge"]!);
        await AssertTheirsInHistoryAsync(phone, id, policy, theirs);
    }

    [Theory]
    [InlineData("review", "1", "2", "3")]
    [InlineData("strict", "1", "2", "3")]
    [InlineData("strict", "1", "2", "2")]
    [InlineData("append", """["a"]""", """["a","b"]""", """["a","c"]""")]
    [InlineData("text", "\"one\"", "\"two\"", "\"three\"")]
    [InlineData("counter", "1", "2", "\"many\"")]
    public async Task What_a_policy_will_not_decide_is_parked_with_all_three_values(string policy, string @base, string theirs, string yours)
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", Field(policy, @base));
        await tablet.WriteAsync("sheet", "update", id, (1, Field(policy, theirs)));
        var answer = await phone.WriteAsync("sheet", "update", id, (1, Field(policy, yours)));

        Assert.Equal((409, "/problems/conflict", "\"rev-2\""), (answer.Status, answer["type"], answer["etag"]));
        AssertJson(Field(policy, theirs), answer.Body["current"]!["data"]!);
        AssertJson($$"""[{"path":"/{{policy}}","rule":"{{policy}}","base":{{@base}},"theirs":{{theirs}},"yours":{{yours}}}]""", answer.Body["conflicts"]!);
        await AssertTheirsInHistoryAsync(phone, id, policy, theirs);
    }

    [Fact]
    public async Task One_field_that_needs_review_parks_the_whole_op()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", """{"counter":1,"review":"a"}""");
        await tablet.WriteAsync("sheet", "update", id, (1, """{"counter":2,"review":"b"}"""));
        Assert.Equal(409, (await phone.WriteAsync("sheet", "update", id, (1, """{"counter":{"$inc":5},"review":"c"}"""))).Status);
        AssertJson("""{"counter":2,"review":"b"}""", (await phone.ReadAsync("sheet", id)).Body["data"]!);
    }

    [Fact]
    public async Task History_shows_both_sides_of_a_merge()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("sheet", """{"lww":"a"}""");
        await tablet.WriteAsync("sheet", "update", id, (1, """{"lww":"theirs"}"""));
        await phone.WriteAsync("sheet", "update", id, (1, """{"lww":"yours"}"""));
        var history = await phone.HistoryAsync("sheet", id);
        AssertJson("""[{"path":"/lww","before":"theirs","after":"yours"}]""", history.Body["history"]![0]!["changes"]!);
        AssertJson("""[{"path":"/lww","before":"a","after":"theirs"}]""", history.Body["history"]![1]!["changes"]!);
    }

    [Theory]
    [InlineData("lww", "2", "2")]
    [InlineData("max", "0", "1")]
    [InlineData("min", "0", "0")]
    public async Task Where_only_the_value_counts_no_base_revision_is_needed(string policy, string yours, string merged)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", Field(policy, "1"));
        var answer = await phone.WriteAsync("sheet", "update", id, (null, Field(policy, yours)));
        Assert.Equal(200, answer.Status);
        AssertJson(Field(policy, merged), answer.Body["record"]!["data"]!);
    }

    [Theory]
    [InlineData("review")]
    [InlineData("keep")]
    [InlineData("counter")]
    [InlineData("strict")]
    public async Task Where_what_the_user_saw_counts_a_missing_base_revision_is_428(string policy)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("sheet", Field(policy, "1"));
        Assert.Equal(428, (await phone.WriteAsync("sheet", "update", id, (null, Field(policy, "2")))).Status);
    }

    private static string Field(string name, string value) => $$"""{"{{name}}":{{value}}}""";

    private static async Task AssertTheirsInHistoryAsync(Device device, string id, string path, string theirs)
    {
        var changes = (await device.HistoryAsync("sheet", id)).Body["history"]!.AsArray()
            .Single(change => (int)change!["rev"]! == 2 && change["unchanged"] is null)!["changes"]![0]!;
        Assert.Equal("/" + path, changes["path"]!.ToString().Split("/updates")[0]);
        AssertJson(theirs, path == "crdt" ? new System.Text.Json.Nodes.JsonObject { ["updates"] = changes["after"]!.DeepClone() } : changes["after"]!);
    }
}
