using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Push;

/// <summary>Which plans did nothing but make records. What can be said of those is held after every push of every test (<see cref="Made"/>).</summary>
public class MadeRecordTests
{
    private const string One = """{"opId":"a1","entity":"note","entityId":"r1","kind":"create","patch":{"a":1}}""";
    private const string Two = """{"opId":"a2","entity":"note","entityId":"r2","kind":"create","patch":{"b":2},"n":5}""";

    [Fact]
    public void Creates_are_and_keep_their_order() => Assert.Equal(["r1", "r2"], MadeRecord.AllOf(Plan(One, Two))!.Select(row => row.Change.Key.Id));

    [Theory]
    [InlineData(One)]
    [InlineData("""{"opId":"a3","entity":"note","entityId":"r3","kind":"paint"}""")]
    [InlineData("""{"opId":"a3","entity":"note","entityId":"none","kind":"update","baseRev":1,"patch":{"a":2}}""")]
    public void A_repeat_and_what_is_answered_and_not_stored_write_nothing(string op) => Assert.Single(MadeRecord.AllOf(Plan(One, op))!);

    [Theory]
    [InlineData("""{"opId":"a3","entity":"note","entityId":"r1","kind":"update","baseRev":1,"patch":{"a":2}}""")]
    [InlineData("""{"opId":"a3","entity":"note","entityId":"r1","kind":"delete","baseRev":1}""")]
    [InlineData("""{"opId":"a3","entity":"note","entityId":"r1","kind":"create","patch":{"a":2}}""")]
    [InlineData("""{"opId":"a3","entity":"note","entityId":"r3","kind":"create","patch":{"a":null,"b":1}}""")]
    public void Whatever_did_anything_else_is_not(string op)
    {
        Assert.Null(MadeRecord.AllOf(Plan(One, op)));
        Assert.Null(MadeRecord.AllOf(Plan(One, op, Two)));
    }

    [Fact]
    public void A_change_whose_answer_is_that_of_another_request_is_not()
    {
        var plan = Plan(One);
        var made = plan.DecidedOutcomes[0].Value;
        plan.Write(new Author("alice", "phone"), Item(Two).Op!, OpKind.Create, new RecordData(Worlds.Parsed("""{"b":2}""")));
        plan.Decide(new OutcomeKey("alice", "another"), made);
        Assert.Null(MadeRecord.AllOf(plan));
    }

    [Fact]
    public void Nothing_is_not() => Assert.Null(MadeRecord.AllOf(Plan()));

    private static SpacePlan Plan(params string[] ops)
    {
        var plan = new SpacePlan(Guid.Empty, head: 0, Space.Now, new Entropy(seed: 1));
        PushPlan.Run(plan, new Space().Client("alice", "phone").Context, [.. ops.Select(Item)]);
        return plan;
    }

    private static PushItem Item(string json)
    {
        var (op, opId, rejection) = OpParser.Parse(Worlds.Parsed(json), null, null);
        return new PushItem(op, opId, rejection);
    }
}
