using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Push;

/// <summary>Protocol 4.1, <c>unique</c>, where records are older than the rule.</summary>
public class UniqueTests
{
    private readonly Space _space = Space.Of("""{"fields":{"f":{}}}""");
    private readonly Client _alice;

    public UniqueTests()
    {
        _alice = _space.Client("alice", "phone");
        _alice.Create("a", """{"f":7}""", id: "a");
        _alice.Create("b", """{"f":7}""", id: "b");
        _space.Redefine("""{"fields":{"f":{}},"unique":[["f"]]}""");
    }

    [Fact]
    public void Records_that_share_values_since_before_the_rule_may_be_edited_elsewhere_and_nobody_joins_them()
    {
        Assert.Equal("200 applied", Update("u1", "b", 1, """{"g":1}"""));
        Assert.Equal("200 applied", Update("u2", "a", 1, """{"g":1}"""));
        Assert.Equal("409 unique", _alice.Create("c", """{"f":7.0}""", id: "c").Summary);
    }

    [Fact]
    public void What_one_of_them_gives_up_the_other_still_holds()
    {
        Assert.Equal("200 applied", Update("u1", "a", 1, """{"f":8}"""));
        Assert.Equal("409 unique", _alice.Create("c", """{"f":7}""", id: "c").Summary);
        Assert.Equal("409 unique", Update("u2", "a", 2, """{"f":7}"""));
        Assert.Equal("200 applied", Update("u3", "b", 1, """{"f":9}"""));
        Assert.Equal("201 applied", _alice.Create("d", """{"f":7}""", id: "d").Summary);
    }

    [Fact]
    public void A_delete_in_the_same_batch_frees_only_what_its_own_record_held()
    {
        var answers = _alice.Batch(
            Client.Head("x1", "delete", "a") + ",\"baseRev\":1}",
            Client.Head("x2", "create", "c") + ",\"patch\":{\"f\":7}}",
            Client.Head("x3", "delete", "b") + ",\"baseRev\":1}",
            Client.Head("x4", "create", "d") + ",\"patch\":{\"f\":7}}");
        Assert.Equal(["200 applied", "409 unique", "200 applied", "201 applied"], answers.Select(answer => answer.Summary));
    }

    private string Update(string opId, string id, long baseRev, string patch) =>
        _alice.One($$"""{{Client.Head(opId, "update", id)}},"baseRev":{{baseRev}},"patch":{{patch}}}""").Summary;
}
