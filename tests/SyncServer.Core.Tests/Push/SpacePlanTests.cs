using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Push;

/// <summary>What a plan says of its own writes. What becomes of them in the tables is held after every push of every test (<see cref="Space"/>).</summary>
public class SpacePlanTests
{
    private static readonly Author Alice = new("alice", "phone");

    private readonly SpacePlan _plan = new(Guid.Empty, head: 7, Space.Now, new Entropy(seed: 1));

    [Fact]
    public void What_no_op_needed_is_empty_and_nothing_to_write()
    {
        Assert.Null(_plan.FindConflict(new ConflictSlot(Key("r"), "alice", "phone")));
        Assert.Null(_plan.FindOutcome(new OutcomeKey("alice", "a1")));
        Assert.Equal(0, _plan.OpenConflicts(Key("r")));
        _plan.WriteParked(Alice);
        Assert.Equal((0, 0, 0, 0, 0, 0), (_plan.ConflictRows.Count, _plan.ResolvedOps.Count, _plan.UnchangedOps.Count,
            _plan.MissingKeys.Count, _plan.FreedKeys.Count, _plan.TakenKeys.Count));
        Assert.Equal((false, false), (_plan.MissesHistory, _plan.HasWrites));
    }

    [Fact]
    public void A_record_that_is_written_more_than_once_comes_once_in_its_place_and_stays_new_where_the_plan_made_it()
    {
        Load("old", rev: 3, seq: 5);
        Load("untouched", rev: 1, seq: 6);
        Write("a1", "new", """{"a":1}""");
        Write("a2", "old", """{"a":2}""");
        Write("a3", "new", """{"a":3}""");
        Assert.Equal([("old", 4L, false), ("new", 2L, true)], _plan.WrittenRecords.Select(record => (record.Key.Id, record.Rev, _plan.IsNew(record))));
    }

    [Fact]
    public void History_is_what_was_loaded_and_all_that_the_plan_wrote_until_it_is_asked_for()
    {
        Write("a1", "other", """{"a":1}""");
        Write("a2", "r", """{"a":2}""");
        Write("a3", "r", """{"a":3}""");
        Assert.Equal(["a2", "a3"], Since("r", 0));
        Write("a4", "r", """{"a":4}""");
        Write("a5", "other", """{"a":5}""");
        Assert.Equal(["a3", "a4"], Since("r", 1));
        Assert.Equal(["a1", "a5"], Since("other", 0));
        Assert.False(_plan.MissesHistory);
    }

    [Fact]
    public void What_was_loaded_stands_before_what_the_plan_wrote_and_a_gap_is_told()
    {
        Load("r", rev: 2, seq: 5);
        Load("cut", rev: 2, seq: 6);
        _plan.Load(Write("a2", "elsewhere", """{"a":1}""", new SpacePlan(Guid.Empty, 4, Space.Now, new Entropy(seed: 2))) with { Key = Key("r"), Rev = 2 });
        Write("a3", "r", """{"a":3}""");
        Write("a4", "cut", """{"a":3}""");
        Assert.Equal(["a2", "a3"], Since("r", 1));
        Assert.False(_plan.MissesHistory);
        Assert.Null(_plan.Since(_plan.Find(Key("cut"))!, 1, "alice"));
        Assert.True(_plan.MissesHistory);
    }

    [Fact]
    public void Own_later_changes_are_among_those_that_the_plan_wrote()
    {
        Write("a1", "r", """{"a":1}""", n: 4);
        Write("a2", "r", """{"a":2}""", n: 3);
        Write("a3", "r", """{"a":3}""", n: 2);
        Assert.Equal(["a2", "a1"], _plan.OwnLater(Key("r"), 2, change => change.IsOwn("alice", "phone")).Select(change => change.OpId));
    }

    [Fact]
    public void A_key_was_stored_where_it_was_loaded_and_has_its_outcome_either_way()
    {
        var (loaded, decided) = (new OutcomeKey("alice", "a1"), new OutcomeKey("alice", "a2"));
        var outcome = new StoredOutcome(new Outcome { Status = 200, State = OutcomeState.Applied, Body = default }, default);
        _plan.Load(loaded, outcome);
        _plan.Decide(decided, outcome with { Entity = "note" });
        Assert.Equal((true, false, false), (_plan.WasStored(loaded), _plan.WasStored(decided), _plan.WasStored(new OutcomeKey("bob", "a1"))));
        Assert.Equal(("", "note"), (_plan.FindOutcome(loaded)!.Entity, _plan.FindOutcome(decided)!.Entity));
        Assert.Equal([decided], _plan.DecidedOutcomes.Select(row => row.Key));
        Assert.Throws<InvalidOperationException>(() => _plan.Decide(loaded, outcome));
        Assert.Throws<ArgumentException>(() => _plan.Decide(decided, outcome));
    }

    [Fact]
    public void A_conflict_is_written_by_the_push_that_adds_to_it_and_not_by_those_behind_it()
    {
        Load("r", rev: 1, seq: 5);
        Park("a1");
        Park("a2");
        _plan.WriteParked(Alice);
        Assert.Equal(("a2", 1L), (_plan.Changes.Single().OpId, _plan.OpenConflicts(Key("r"))));
        _plan.WriteParked(Alice);
        Assert.Single(_plan.Changes);
        Park("a3");
        _plan.WriteParked(Alice);
        Assert.Equal(["a2", "a3"], _plan.Changes.Select(change => change.OpId));
        Assert.Equal([("c", true)], _plan.ConflictRows.Select(row => (row.ConflictId, row.Open)));
    }

    private static RecordKey Key(string id) => new("note", id);

    private IEnumerable<string>? Since(string id, long baseRev) => _plan.Since(_plan.Find(Key(id))!, baseRev, "alice")?.Select(change => change.OpId);

    private void Load(string id, long rev, long seq) => _plan.Load(new SyncRecord
    {
        Key = Key(id),
        Rev = rev,
        Seq = seq,
        Deleted = false,
        Data = new RecordData(Worlds.Parsed("""{"a":0}""")),
        UpdatedAt = Space.Now,
        UpdatedBy = "bob",
        OpId = "b1",
    });

    private Change Write(string opId, string id, string data, SpacePlan? plan = null, long? n = null)
    {
        var written = plan ?? _plan;
        var op = Op(opId, id) with { Patch = Worlds.Parsed(data), N = n };
        written.Write(Alice, op, written.Find(op.Key) is null ? OpKind.Create : OpKind.Update, new RecordData(op.Patch));
        return written.Changes[^1];
    }

    private static Op Op(string opId, string id) => new() { OpId = opId, Key = Key(id), Kind = OpKind.Update, Fingerprint = default };

    private void Park(string opId)
    {
        var conflict = new ParkedConflict
        {
            ConflictId = "c",
            Slot = new ConflictSlot(Key("r"), "alice", "phone"),
            Kind = ErrorCode.Conflict,
            Ops = [new ParkedOp(opId, OpKind.Update, 1, JsonObject.Empty, null, Space.Now)],
            Base = null,
            Theirs = null,
            Yours = null,
            Paths = [],
        };
        _plan.Park(Op(opId, "r"), conflict, new RecordData(conflict.ToJson()));
    }
}
