namespace SyncServer.Core.Tests.Push;

/// <summary>Ops that say which others must be applied first (protocol 3.1).</summary>
public class DependencyTests
{
    private readonly Space _space = new();
    private readonly Client _alice;

    public DependencyTests() => _alice = _space.Client("alice", "phone");

    private Answer Dependent(params string[] on) =>
        _alice.One($$"""{{Client.Head("dependent", "create", "other")}},"patch":{},"dependsOn":[{{string.Join(',', on.Select(id => $"\"{id}\""))}}]}""");

    private static void Waits(Answer answer, string opId, string state) => answer.IsProblem(ErrorCode.DependencyFailed, stored: false,
        $$"""{"dependency":{"opId":"{{opId}}","state":"{{state}}"} }""");

    [Fact]
    public void An_applied_dependency_satisfies()
    {
        _alice.Create("a1", """{"a":1}""");
        Assert.Equal("201 applied", Dependent("a1").Summary);
    }

    [Fact]
    public void A_merged_dependency_satisfies()
    {
        _alice.Create("a1", """{"a":1,"b":1}""");
        _space.Client("bob", "b").Update("b1", 1, """{"a":2}""");
        Assert.Equal("200 merged", _alice.Update("a2", 1, """{"b":2}""").Summary);
        Assert.Equal("201 applied", Dependent("a1", "a2").Summary);
    }

    [Fact]
    public void What_nobody_decided_is_unknown_and_the_op_may_be_sent_again()
    {
        Waits(Dependent("a1"), "a1", "unknown");
        _alice.Create("a1", """{"a":1}""");
        Assert.Equal("201 applied", Dependent("a1").Summary);
    }

    [Fact]
    public void An_op_that_depends_on_itself_waits_for_ever() => Waits(Dependent("dependent"), "dependent", "unknown");

    [Fact]
    public void The_op_of_another_principal_is_unknown()
    {
        _space.Client("bob", "b").Create("b1", """{"a":1}""");
        Waits(Dependent("b1"), "b1", "unknown");
    }

    [Fact]
    public void A_parked_dependency_is_a_conflict_until_it_is_resolved_for_the_op()
    {
        _space.Client("bob", "b").Create("b1", """{"a":1}""");
        _alice.Create("a1", """{"a":2}""");
        Waits(Dependent("a1"), "a1", "conflict");
        _space.Resolve(_alice, "a1", forOp: true);
        Assert.Equal("201 applied", Dependent("a1").Summary);
    }

    [Fact]
    public void A_dependency_that_was_resolved_for_the_others_is_final()
    {
        _space.Client("bob", "b").Create("b1", """{"a":1}""");
        _alice.Create("a1", """{"a":2}""");
        _space.Resolve(_alice, "a1", forOp: false);
        Waits(Dependent("a1"), "a1", "resolved");
    }

    [Fact]
    public void A_refused_dependency_is_rejected()
    {
        _alice.One($$"""{{Client.Head("a1", "create", "r")}},"patch":{} }""");
        _alice.One($$"""{{Client.Head("a2", "update", "r")}},"patch":{"a":1} }""", Core.Ops.Precondition.Exactly(7));
        Waits(Dependent("a1", "a2"), "a2", "rejected");
    }

    [Fact]
    public void An_op_may_depend_on_one_before_it_in_the_same_batch() => Assert.Equal(
        ["201 applied", "201 applied"],
        _alice.Batch($$"""{{Client.Head("a1", "create", "r")}},"patch":{} }""", $$"""{{Client.Head("a2", "create", "s")}},"patch":{},"dependsOn":["a1"]}""")
            .Select(answer => answer.Summary));

    [Fact]
    public void A_dependency_is_satisfied_also_when_only_its_state_is_kept()
    {
        _alice.Create("a1", """{"a":1}""");
        _space.Expire(_alice, "a1");
        Assert.Equal("201 applied", Dependent("a1").Summary);
    }
}
