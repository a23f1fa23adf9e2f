using SyncServer.Core.Push;

namespace SyncServer.Core.Tests.Push;

/// <summary>Repeats of ops, and batches (protocol 3.3, 3.4).</summary>
public class ReplayTests
{
    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public ReplayTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
    }

    private static string Create(string opId, string id = "r", string patch = """{"a":1}""", string more = "") =>
        $$"""{{Client.Head(opId, "create", id)}},"patch":{{patch}}{{more}}}""";

    private static string Update(string opId, long baseRev, string patch) =>
        $$"""{{Client.Head(opId, "update", "r")}},"baseRev":{{baseRev}},"patch":{{patch}}}""";

    private void AssertReplayed(Answer first, Answer repeat)
    {
        Assert.Equal(first.Outcome.Body.ToArray(), repeat.Outcome.Body.ToArray());
        Assert.Equal(first.Outcome with { Replayed = true, Body = default }, repeat.Outcome with { Body = default });
    }

    [Fact]
    public void A_repeat_answers_the_first_bytes_whatever_happened_since()
    {
        var first = _alice.One(Create("a1"));
        _bob.Update("b1", 1, """{"a":2}""");
        var changes = _space.Changes.Count;
        AssertReplayed(first, _alice.One(Create("a1")));
        AssertReplayed(first, _alice.One(Create("a1", more: """,  "n": 5, "createdAt": 1""")));
        Assert.Equal(changes, _space.Changes.Count);
    }

    [Fact]
    public void Every_stored_refusal_is_repeated_too()
    {
        _alice.Create("a1", """{"a":1}""");
        var parked = _bob.Create("b1", """{"a":2}""");
        var strict = _bob.One(Update("b2", 1, """{"a":3}"""), Core.Ops.Precondition.Exactly(9));
        var changes = _space.Changes.Count;
        AssertReplayed(parked, _bob.Create("b1", """{"a":2}"""));
        AssertReplayed(strict, _bob.One(Update("b2", 1, """{"a":3}"""), Core.Ops.Precondition.Exactly(9)));
        Assert.Equal(changes, _space.Changes.Count);
    }

    [Fact]
    public void What_was_not_stored_is_decided_anew()
    {
        Assert.Equal("404 record-not-found", _alice.One(Update("a2", 1, "{}")).Summary);
        _alice.One(Create("a1"));
        var decided = _alice.One(Update("a2", 1, "{}"));
        Assert.Equal(("200 applied", false), (decided.Summary, decided.Outcome.Replayed));
    }

    [Fact]
    public void A_key_that_comes_with_another_request_is_422_and_the_first_outcome_stays()
    {
        var first = _alice.One(Create("a1"));
        _alice.One(Create("a1", patch: """{"a":1.0}""")).IsProblem(ErrorCode.IdempotencyKeyReused, stored: false, """{"state":"applied","rev":1}""");
        _alice.One(Create("a1"), Core.Ops.Precondition.NotExists).IsProblem(ErrorCode.IdempotencyKeyReused, stored: false, """{"state":"applied","rev":1}""");
        AssertReplayed(first, _alice.One(Create("a1")));
    }

    [Fact]
    public void The_keys_of_two_principals_have_nothing_to_do_with_each_other()
    {
        _alice.One(Create("same"));
        Assert.Equal("201 applied", _bob.One(Create("same", "s")).Summary);
    }

    [Fact]
    public void The_devices_of_one_principal_share_their_keys()
    {
        var first = _alice.One(Create("a1"));
        AssertReplayed(first, _space.Client("alice", "laptop").One(Create("a1")));
    }

    [Fact]
    public void A_repeat_after_the_retention_of_outcomes_has_no_second_effect()
    {
        _alice.One(Create("a1"));
        _space.Expire(_alice, "a1");
        var late = _alice.One(Create("a1"));
        late.IsProblem(ErrorCode.OutcomeExpired, stored: false, """{"state":"applied","rev":1}""");
        Assert.True(late.Outcome.Replayed);
        Assert.Equal("422 idempotency-key-reused", _alice.One(Create("a1", "s")).Summary);
        Assert.Single(_space.Changes);
    }

    [Fact]
    public void A_repeat_whose_answer_was_not_loaded_is_asked_to_come_again_and_has_no_second_effect()
    {
        _alice.One(Create("a1"));
        _space.Leave(_alice, "a1");
        _alice.One(Create("a1")).IsProblem(ErrorCode.TooManyRequests, stored: false);
        Assert.Equal("422 idempotency-key-reused", _alice.One(Create("a1", "s")).Summary);
        Assert.Single(_space.Changes);
    }

    [Fact]
    public void The_same_op_twice_in_one_batch_is_applied_once()
    {
        var answers = _alice.Batch(Create("a1"), Create("a1"), Create("a1", "s"));
        Assert.Equal(["201 applied", "201 applied", "422 idempotency-key-reused"], answers.Select(answer => answer.Summary));
        AssertReplayed(answers[0], answers[1]);
        Assert.Single(_space.Changes);
    }

    [Fact]
    public void A_bad_op_does_not_stop_the_ones_after_it()
    {
        var answers = _alice.Batch(Create("a1"), """{"opId":"bad"}""", "[]", Update("a2", 7, "{}"), Update("a3", 1, """{"a":{"$who":1}}"""), Update("a4", 1, """{"a":2}"""));
        Assert.Equal(["201 applied", "400 invalid-request", "400 invalid-request", "410 resync-required", "422 invalid-operator", "200 applied"],
            answers.Select(answer => answer.Summary));
        Assert.Equal(["\"a1\"", "\"bad\"", null, "\"a2\"", "\"a3\"", "\"a4\""], answers.Select(answer => answer["/opId"]?.ToString()));
    }

    [Fact]
    public void An_atomic_batch_is_applied_as_a_whole()
    {
        Assert.Equal(["201 applied", "200 applied"], _alice.Atomic(Create("a1"), Update("a2", 1, """{"a":2}""")).Select(answer => answer.Summary));
        Assert.Equal(2, _space.Find()!.Rev);
    }

    [Fact]
    public void An_atomic_batch_that_fails_leaves_nothing()
    {
        _bob.Create("b1", """{"a":1}""");
        var answers = _alice.Atomic(Create("a1", "s"), Create("a2", patch: """{"a":2}"""), Create("a3", "t"));
        Assert.Equal(["424 batch-failed", "409 already-exists", "424 batch-failed"], answers.Select(answer => answer.Summary));
        answers[0].IsProblem(ErrorCode.BatchFailed, stored: false);
        Assert.Null(answers[1]["/conflictId"]);
        Assert.Equal(["b1"], _space.Changes.Select(change => change.OpId));
        Assert.Equal("201 applied", _alice.One(Create("a1", "s")).Summary);
        Assert.False(_alice.Create("a2", """{"a":2}""").Outcome.Replayed);
    }

    [Fact]
    public void In_an_atomic_batch_a_stored_success_counts_as_applied()
    {
        var first = _alice.One(Create("a1"));
        Assert.Equal(["201 applied", "200 applied"], _alice.Atomic(Create("a1"), Update("a2", 1, """{"a":2}""")).Select(answer => answer.Summary));
        var failed = _alice.Atomic(Create("a1"), Update("a3", 9, "{}"), Create("a4", "s"));
        Assert.Equal(["201 applied", "410 resync-required", "424 batch-failed"], failed.Select(answer => answer.Summary));
        AssertReplayed(first, failed[0]);
    }

    [Fact]
    public void In_an_atomic_batch_a_success_counts_as_applied_after_its_retention_too()
    {
        _alice.One(Create("a1"));
        _space.Expire(_alice, "a1");
        var answers = _alice.Atomic(Create("a1"), Update("a2", 1, """{"a":2}"""));
        Assert.Equal(["410 outcome-expired", "200 applied"], answers.Select(answer => answer.Summary));
        Assert.Equal(2, _space.Find()!.Rev);
        var failed = _alice.Atomic(Create("a1"), Update("a3", 9, "{}"), Create("a4", "s"));
        Assert.Equal(["410 outcome-expired", "410 resync-required", "424 batch-failed"], failed.Select(answer => answer.Summary));
    }

    [Fact]
    public void In_an_atomic_batch_a_refusal_fails_the_batch_after_its_retention_too()
    {
        _bob.Create("b1", """{"a":1}""");
        _alice.Create("a1", """{"a":2}""");
        _space.Expire(_alice, "a1");
        var answers = _alice.Atomic(Create("a2", "s"), Create("a1", patch: """{"a":2}"""));
        Assert.Equal(["424 batch-failed", "410 outcome-expired"], answers.Select(answer => answer.Summary));
    }

    [Fact]
    public void An_op_depends_on_one_whose_outcome_is_past_its_retention_as_on_any_other()
    {
        _alice.One(Create("a1"));
        _space.Expire(_alice, "a1");
        Assert.Equal("200 applied", _alice.Update("a2", 1, """{"a":2}""", ",\"dependsOn\":[\"a1\"]").Summary);
    }

    [Fact]
    public void In_an_atomic_batch_a_stored_refusal_fails_the_batch()
    {
        _bob.Create("b1", """{"a":1}""");
        _alice.Create("a1", """{"a":2}""");
        var answers = _alice.Atomic(Create("a2", "s"), Create("a1", patch: """{"a":2}"""));
        Assert.Equal(["424 batch-failed", "409 already-exists"], answers.Select(answer => answer.Summary));
        Assert.Equal("\"C1\"", answers[1]["/conflictId"]?.ToString());
    }

    [Fact]
    public void The_same_op_twice_in_an_atomic_batch_that_fails_is_applied_nowhere()
    {
        var answers = _alice.Atomic(Create("a1"), Create("a1"), Update("a2", 9, "{}"));
        Assert.Equal(["424 batch-failed", "424 batch-failed", "410 resync-required"], answers.Select(answer => answer.Summary));
        Assert.Null(_space.Find());
    }

    [Fact]
    public void A_dry_run_decides_everything_and_stores_nothing()
    {
        _bob.Create("b1", """{"a":1}""");
        string[] ops = [Create("a1", "s"), Create("a1", "s"), Create("a2"), Update("a3", 1, """{"b":2}"""), Update("a4", 1, """{"b":3}"""), Update("a5", 1, """{"a":9}""")];
        var dry = _alice.DryRun(ops);
        Assert.Equal(["201 applied", "201 applied", "409 already-exists", "200 applied", "200 applied", "409 already-exists"],
            dry.Select(answer => answer.Summary));
        Assert.All(dry, answer => Assert.Null(answer["/conflictId"]));
        Assert.Single(_space.Changes);
        var wet = _alice.Batch(ops);
        Assert.Equal(dry.Select(answer => answer.Summary), wet.Select(answer => answer.Summary));
        Assert.False(wet[0].Outcome.Replayed);
        Assert.Equal(OutcomeState.Conflict, wet[2].Outcome.State);
    }
}
