using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Push;

/// <summary>Ops of a device that has an open conflict on the record (protocol 7).</summary>
public class JoinTests
{
    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public JoinTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
    }

    /// <summary>Bob's edit of <c>/o/x</c> is parked at revision 2.</summary>
    private void Park()
    {
        _alice.Create("a1", """{"a":1,"b":1,"o":{"x":1,"y":1}}""");
        _alice.Update("a2", 1, """{"o":{"x":2}}""");
        Assert.Equal("409 conflict", _bob.Update("b1", 1, """{"o":{"x":3}}""", ",\"n\":1").Summary);
    }

    [Fact]
    public void A_later_op_on_a_parked_path_joins_the_conflict()
    {
        Park();
        var answer = _bob.Update("b2", 1, """{"o":{"x":4},"a":5}""", ",\"n\":2");
        answer.IsProblem(ErrorCode.Conflict, stored: true, $$$$"""
            {"conflictId":"C1","current":{{{{Envelope.Live(2, "alice", "a2", """{"a":1,"b":1,"o":{"x":2,"y":1}}""")}}}},"etag":"\"rev-2\"",
             "conflicts":[{"path":"/o/x","rule":"review","base":1,"theirs":2,"yours":4},{"path":"/a","rule":"review","base":1,"theirs":1,"yours":5}]}
            """);
        Answer.Same(Worlds.Parsed("""
            {"conflictId":"C1","state":"open","kind":"conflict","entity":"note","id":"r",
             "ops":[{"opId":"b1","kind":"update","baseRev":1,"patch":{"o":{"x":3}},"n":1,"at":"2026-11-20T10:15:00.123Z"},
                    {"opId":"b2","kind":"update","baseRev":1,"patch":{"o":{"x":4},"a":5},"n":2,"at":"2026-11-20T10:15:00.123Z"}],
             "by":"bob","device":"tablet",
             "base":{"a":1,"b":1,"o":{"x":1,"y":1}},"yours":{"a":5,"b":1,"o":{"x":4,"y":1}},"theirs":{"a":1,"b":1,"o":{"x":2,"y":1}},
             "conflicts":[{"path":"/o/x","rule":"review","base":1,"theirs":2,"yours":4},{"path":"/a","rule":"review","base":1,"theirs":1,"yours":5}]}
            """), _space.Conflict(_bob)!);
        Assert.Equal(("C1", 2), (_space.Named(answer.Outcome.ConflictId!), _space.Find()!.Data!.Value.Members.Count - 1));
    }

    [Fact]
    public void A_parked_op_with_a_larger_counter_stays_on_what_one_that_joins_late_touches_too()
    {
        _alice.Create("a1", """{"a":1,"b":1}""");
        _alice.Update("a2", 1, """{"a":2}""");
        var conflict = _bob.Update("b2", 1, """{"a":4}""", ",\"n\":2")["/conflictId"]!;
        Assert.Equal("409 conflict", _bob.Update("b1", 1, """{"a":3,"b":3}""", ",\"n\":1").Summary);
        Assert.Equal("409 conflict", _bob.Update("b3", 1, """{"b":5}""", ",\"n\":3").Summary);
        Assert.Equal("""{"a":4,"b":5}""", _space.Conflict(_bob)!["yours"]!.ToString());
        Assert.Equal(["b1", "b2", "b3"], ((JsonArray)_space.Conflict(_bob)!["ops"]!).Items.Select(op => ((JsonString)((JsonObject)op)["opId"]!).Text));
        Assert.Equal("200 applied", _bob.Resolve("r1", conflict, "mine").Summary);
        Assert.Equal("""{"a":4,"b":5}""", _space.Data());
    }

    [Fact]
    public void Ops_that_join_late_are_placed_as_far_as_a_push_may_merge_and_the_rest_goes_on_in_the_next()
    {
        _alice.Create("a1", $$"""{"a":1,"big":"{{new string('x', 250_000)}}"}""");
        _alice.Update("a2", 1, """{"a":2}""");
        string[] ops = [.. Enumerable.Range(1, 60).Select(i => $$"""{{Client.Head($"b{i}", "update", "r")}},"baseRev":1,"n":{{100 - i}},"patch":{"a":{{i + 10}} } }""")];
        var first = _bob.Batch(ops).Select(answer => answer.Outcome.Status).ToList();
        var waiting = first.IndexOf(429);
        Assert.InRange(waiting, 10, 40);
        Assert.All(first.Skip(waiting), status => Assert.Equal(429, status));
        Assert.Contains(409, _bob.Batch(ops[waiting..]).Select(answer => answer.Outcome.Status));
        Assert.Equal("11", ((JsonObject)_space.Conflict(_bob)!["yours"]!)["a"]!.ToString());
    }

    [Theory]
    [InlineData("", ",\"n\":1000", ",\"n\":5", "b2 b3")]
    [InlineData("tablet", ",\"n\":5", ",\"n\":3", "b3 b2")]
    [InlineData("tablet", ",\"n\":5", "", "b2 b3")]
    [InlineData("tablet", "", ",\"n\":3", "b2 b3")]
    public void Counters_order_parked_ops_of_one_device_and_of_nobody_else(string device, string first, string second, string order)
    {
        var bob = _space.Client("bob", device);
        _alice.Create("a1", """{"a":1,"b":1}""");
        _alice.Update("a2", 1, """{"a":2}""");
        Assert.Equal("409 conflict", bob.Update("b2", 1, """{"a":4}""", first).Summary);
        Assert.Equal("409 conflict", bob.Update("b3", 1, """{"a":3}""", second).Summary);
        Assert.Equal(order, string.Join(' ', ((JsonArray)_space.Conflict(bob)!["ops"]!).Items.Select(op => ((JsonString)((JsonObject)op)["opId"]!).Text)));
    }

    [Fact]
    public void A_parked_op_without_a_counter_does_not_hide_those_before_it_from_one_that_joins_late()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Update("a2", 1, """{"a":2}""");
        _bob.Update("b1", 1, """{"a":5}""", ",\"n\":5");
        _bob.Update("b2", 1, """{"a":6}""");
        _bob.Update("b3", 1, """{"a":7}""", ",\"n\":3");
        Assert.Equal("""{"a":6}""", _space.Conflict(_bob)!["yours"]!.ToString());
    }

    [Theory]
    [InlineData("""{"o":{"y":2}}""", "200 merged")]
    [InlineData("""{"b":2}""", "200 merged")]
    [InlineData("""{"o":{"x":{"deep":1}}}""", "409 conflict")]
    [InlineData("""{"o":null}""", "409 conflict")]
    [InlineData("""{"o":{"x":2}}""", "409 conflict")]
    public void Only_what_meets_a_parked_path_joins(string patch, string answer)
    {
        Park();
        Assert.Equal(answer, _bob.Update("b2", 1, patch).Summary);
    }

    [Fact]
    public void An_op_at_the_current_revision_joins_too_where_it_touches_what_is_parked()
    {
        Park();
        Assert.Equal("409 conflict", _bob.Update("b2", 2, """{"o":{"x":9}}""").Summary);
        Assert.Equal("200 applied", _bob.Update("b3", 2, """{"b":9}""").Summary);
    }

    [Fact]
    public void A_delete_joins_whatever_is_parked()
    {
        Park();
        var answer = _bob.Delete("b2", 1);
        Assert.Equal("409 conflict", answer.Summary);
        Assert.Null(_space.Conflict(_bob)!["yours"]);
        Assert.False(_space.Find()!.Deleted);
    }

    [Theory]
    [InlineData("""{"o":{"x":4}}""")]
    [InlineData("""{"unrelated":4}""")]
    public void A_create_of_an_id_that_exists_joins_and_is_answered_as_the_conflict_that_it_is_now_part_of(string data)
    {
        Park();
        var answer = _bob.Create("b2", data);
        Assert.Equal("409 conflict", answer.Summary);
        Assert.Equal("C1", _space.Named(answer.Outcome.ConflictId!));
        Assert.Equal(2, ((JsonArray)_space.Conflict(_bob)!["ops"]!).Items.Count);
    }

    [Fact]
    public void Ops_of_others_and_of_other_devices_do_not_join()
    {
        Park();
        Assert.Equal("200 applied", _alice.Update("a3", 2, """{"o":{"x":5}}""").Summary);
        Assert.Equal("200 applied", _space.Client("bob", "laptop").Update("b2", 3, """{"o":{"x":6}}""").Summary);
    }

    [Fact]
    public void Another_conflict_of_the_same_device_on_the_same_record_is_the_same_one()
    {
        Park();
        _alice.Update("a3", 2, """{"b":2}""");
        var answer = _bob.Update("b2", 1, """{"b":3}""");
        Assert.Equal("\"C1\"", answer["/conflictId"]?.ToString());
        Assert.Equal("\"C2\"", _space.Client("carol", "c").Update("c1", 1, """{"b":4}""")["/conflictId"]?.ToString());
        Assert.Equal(2, _space.Records.Count(record => record.Key.IsServers));
    }

    [Fact]
    public void After_the_conflict_is_resolved_the_next_one_is_another()
    {
        Park();
        _space.Resolve(_bob, "b1", forOp: false);
        Assert.Equal("\"C2\"", _bob.Update("b2", 1, """{"o":{"x":4}}""")["/conflictId"]?.ToString());
    }

    [Fact]
    public void What_builds_on_a_parked_create_joins_it()
    {
        _alice.Create("a1", """{"a":1}""");
        Assert.Equal("409 already-exists", _bob.Create("b1", """{"a":2}""").Summary);
        Assert.Equal("409 already-exists", _bob.Update("b2", 0, """{"z":1}""").Summary);
        Assert.Equal("409 already-exists", _bob.Update("b3", 1, """{"y":1}""", ",\"dependsOn\":[\"b1\"]").Summary);
        Assert.Equal("409 already-exists", _bob.Delete("b4", 0).Summary);
        Assert.Equal("409 already-exists", _bob.Restore("b5", 0).Summary);
        var conflict = _space.Conflict(_bob)!;
        Assert.Equal(5, ((JsonArray)conflict["ops"]!).Items.Count);
        Assert.Equal(["C1"], _space.Records.Where(record => record.Key.IsServers).Select(record => _space.Named(record.Key.Id)));
        Assert.Equal("""{"a":1}""", _space.Find()!.Data!.Value.ToString());
    }

    [Fact]
    public void What_builds_on_a_parked_create_joins_it_also_where_it_would_agree_alone()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        Assert.Equal("409 already-exists", _bob.Create("b1", "{}").Summary);
        Assert.Equal("409 already-exists", _bob.Delete("b2", 0).Summary);
    }

    [Fact]
    public void A_second_create_of_the_same_device_joins_the_first()
    {
        _alice.Create("a1", """{"a":1}""");
        _bob.Create("b1", """{"a":2}""");
        Assert.Equal("\"C1\"", _bob.Create("b2", """{"z":2}""")["/conflictId"]?.ToString());
    }

    [Fact]
    public void A_base_revision_above_the_current_one_asks_for_a_resync_and_does_not_join()
    {
        Park();
        Assert.Equal("410 resync-required", _bob.Update("b2", 9, """{"o":{"x":4}}""").Summary);
    }

    [Fact]
    public void A_strict_op_does_not_join()
    {
        Park();
        var op = $$"""{{Client.Head("b2", "update", "r")}},"patch":{"o":{"x":4} },"baseRev":1}""";
        Assert.Equal("412 precondition-failed", _bob.One(op, Core.Ops.Precondition.Exactly(1)).Summary);
        Assert.Equal("200 applied", _bob.One(op.Replace("b2", "b3", StringComparison.Ordinal), Core.Ops.Precondition.Exactly(2)).Summary);
    }

    [Fact]
    public void Too_many_conflicts_or_ops_in_one_are_429_and_not_stored()
    {
        var space = new Space { Limits = new Limits { OpenConflictsPerRecord = 2, OpsPerConflict = 2, ConflictBytesMax = 1_000 } };
        space.Client("alice", "a").Create("a1", """{"a":1}""");
        Assert.Equal("409 already-exists", space.Client("bob", "b").Create("b1", """{"a":2}""").Summary);
        Assert.Equal("409 already-exists", space.Client("carol", "c").Create("c1", """{"a":2}""").Summary);
        var refused = space.Client("dave", "d").Create("d1", """{"a":2}""");
        refused.IsProblem(ErrorCode.TooManyRequests, stored: false);
        Assert.Equal("409 already-exists", space.Client("bob", "b").Create("b2", """{"a":2}""").Summary);
        Assert.Equal("429 too-many-requests", space.Client("bob", "b").Create("b3", """{"a":2}""").Summary);
        Assert.Equal("429 too-many-requests", space.Client("carol", "c").Create("c2", $$"""{"a":"{{new string('x', 900)}}"}""").Summary);
    }

    [Fact]
    public void The_conflict_is_written_once_however_many_ops_of_a_batch_join_it()
    {
        Park();
        string[] ops = [.. Enumerable.Range(2, 9).Select(i => $$"""{{Client.Head($"b{i}", "update", "r")}},"baseRev":1,"patch":{"o":{"x":{{i}} } } }""")];
        var before = _space.Changes.Count;
        Assert.All(_bob.Batch(ops), answer => Assert.Equal("\"C1\"", answer["/conflictId"]?.ToString()));
        var written = Assert.Single(_space.Changes.Skip(before));
        Assert.Equal(("$conflict", 2L, "b10"), (written.Key.Entity, written.Rev, written.OpId));
        Assert.Equal(10, ((JsonArray)_space.Conflict(_bob)!["ops"]!).Items.Count);
    }

    [Fact]
    public void A_conflict_that_a_batch_opens_and_adds_to_is_written_once()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Update("a2", 1, """{"a":2}""");
        string[] ops = [.. Enumerable.Range(1, 3).Select(i => $$"""{{Client.Head($"b{i}", "update", "r")}},"baseRev":1,"patch":{"a":{{i + 2}} } }""")];
        Assert.All(_bob.Batch(ops), answer => Assert.Equal("\"C1\"", answer["/conflictId"]?.ToString()));
        Assert.Equal((3, 1L), (_space.Changes.Count, _space.Changes[^1].Rev));
        Assert.Equal("\"C1\"", _bob.Update("b4", 1, """{"a":9}""")["/conflictId"]?.ToString());
    }

    [Fact]
    public void A_conflict_of_ops_as_deep_as_bodies_may_be_is_read_back()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"d\":", 62)) + "{}" + new string('}', 62);
        _alice.Create("a1", deep);
        Assert.Equal(409, _bob.Create("b1", deep).Outcome.Status);
        Assert.Equal(409, _bob.Create("b2", deep).Outcome.Status);
    }

    [Fact]
    public void A_stored_conflict_is_read_back_whole()
    {
        Park();
        _bob.Update("b2", 1, """{"o":{"x":null},"new":{"deep":[null]}}""");
        var stored = _space.Conflict(_bob)!;
        Answer.Same(stored, ParkedConflict.FromJson(stored).ToJson());
    }
}
