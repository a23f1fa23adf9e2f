using SyncServer.Core.Conflicts;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Push;

/// <summary>
/// A space in memory: what the tables would hold. Every push loads a new plan from it and writes the plan back, through
/// the stored form of everything, and then checks what must hold of any space at any time.
/// </summary>
internal sealed class Space
{
    public const string Epoch = "epoch-1";

    public const string Path = "/v1/spaces/me";

    public static readonly DateTimeOffset Now = new(2026, 11, 20, 10, 15, 0, 123, TimeSpan.Zero);

    private readonly Dictionary<RecordKey, SyncRecord> _records = [];
    private readonly Dictionary<OutcomeKey, StoredOutcome> _outcomes = [];
    private readonly Dictionary<ConflictSlot, string> _open = [];
    private readonly List<string> _conflictIds = [];
    private readonly Dictionary<(RecordKey Key, long Rev), RecordState> _states = [];
    private readonly Dictionary<RecordKey, long> _firsts = [];
    private List<Change> _changes = [];
    private long _head;
    private int _pushes;
    private readonly HashSet<(UniqueKey Key, string RecordId)> _keys = [];
    private Figures _figures = Figures.None;

    public Limits Limits { get; init; } = new();

    private readonly List<Change> _unchanged = [];

    public EntityDefinitions Definitions { get; private set; } = EntityDefinitions.None;

    public IReadOnlyList<IOpRule> Rules { get; init; } = [];

    /// <summary>A space whose entity <c>note</c> is defined so.</summary>
    public static Space Of(string note, params IOpRule[] rules) => new() { Definitions = Defined(note), Rules = rules };

    /// <summary>Another file of definitions; afterwards every record holds its unique keys by the new one.</summary>
    public void Redefine(string note)
    {
        Definitions = Defined(note);
        _keys.Clear();
        _keys.UnionWith(HeldKeys());
    }

    /// <summary>The definitions of a file with the one entity <c>note</c>.</summary>
    public static EntityDefinitions Defined(string note)
    {
        var (definitions, errors) = EntityDefinitions.Parse(Worlds.Parsed($$$"""{"entities":{"note":{{{note}}}}}"""));
        Assert.Empty(errors);
        return definitions!;
    }

    /// <summary>Data of a live record as the test would write it; null where there is none.</summary>
    public string? Data(string id = "r") => Find(id) is { Deleted: false } record ? record.Data!.Value.ToString() : null;

    public IReadOnlyList<Change> Changes => _changes;

    public IEnumerable<SyncRecord> Records => _records.Values;

    public Client Client(string principal, string device) => new(this, principal, device);

    public SyncRecord? Find(string id = "r") => _records.GetValueOrDefault(new RecordKey("note", id));

    /// <summary>The open conflict of a device on a record, as it is stored.</summary>
    public JsonObject? Conflict(Client client, string id = "r") =>
        _open.TryGetValue(new ConflictSlot(new RecordKey("note", id), client.Principal, client.Device), out var conflictId)
            ? Worlds.Parsed(Named(_records[new RecordKey(RecordKey.ConflictEntity, conflictId)].Data!.Value.ToString()))
            : null;

    /// <summary>The data of a <c>$conflict</c> record, open or resolved.</summary>
    public JsonObject Holder(string conflictId) => _records[Resolution.HolderOf(conflictId)].Data!.Value;

    /// <summary>The id behind C1, C2 …; of an id itself, that id.</summary>
    public string ConflictId(string named) => named.StartsWith('C') && int.TryParse(named.AsSpan(1), out var number) ? _conflictIds[number - 1] : named;

    /// <summary>Every id of a conflict as C1, C2 … in the order in which they were opened.</summary>
    public string Named(string text) => _conflictIds.Select((id, i) => (id, i))
        .Aggregate(text, (named, conflict) => named.Replace(conflict.id, $"C{conflict.i + 1}", StringComparison.Ordinal));

    public void PurgeHistory() => _changes = [];

    public void PurgeData(string id = "r") => _records[new RecordKey("note", id)] = Find(id)! with { Data = null };

    /// <summary>What a resolution leaves of the parked op's outcome and of the open conflict.</summary>
    public void Resolve(Client client, string opId, bool forOp)
    {
        var key = new OutcomeKey(client.Principal, opId);
        var stored = _outcomes[key];
        _outcomes[key] = stored with { Outcome = stored.Outcome with { State = OutcomeState.Resolved }, ResolvedForOp = forOp };
        _open.Remove(_open.First(slot => slot.Value == stored.Outcome.ConflictId).Key);
    }

    /// <summary>What the retention of outcomes leaves.</summary>
    public void Expire(Client client, string opId)
    {
        var key = new OutcomeKey(client.Principal, opId);
        _outcomes[key] = _outcomes[key] with { Outcome = _outcomes[key].Outcome with { Body = default, ETag = null, Location = null }, IsExpired = true };
    }

    /// <summary>What is loaded of an outcome that there was no room for.</summary>
    public void Leave(Client client, string opId)
    {
        var key = new OutcomeKey(client.Principal, opId);
        _outcomes[key] = _outcomes[key] with { Outcome = _outcomes[key].Outcome with { Body = default }, IsBodyLeft = true };
    }

    /// <summary>Loses outcomes whose effects stay: what no server may do.</summary>
    public void Forget(Client client, IEnumerable<string> opIds)
    {
        foreach (var opId in opIds)
        {
            _outcomes.Remove(new OutcomeKey(client.Principal, opId));
        }
    }

    /// <summary>Whether a key was decided.</summary>
    public bool IsDecided(Client client, string opId) => _outcomes.ContainsKey(new OutcomeKey(client.Principal, opId));

    /// <summary>The open conflicts in the order in which they were opened, and the records that hold them.</summary>
    public IEnumerable<(ConflictSlot Slot, SyncRecord Holder)> Open() =>
        _open.Select(row => (row.Key, _records[Resolution.HolderOf(row.Value)])).OrderBy(row => _conflictIds.IndexOf(row.Item2.Key.Id));

    public IReadOnlyList<Outcome> Push(PushContext context, IReadOnlyList<PushItem> items)
    {
        var outcomes = Run(context, plan => PushPlan.Run(plan, context, items));
        Assert.Equal(items.Count, outcomes.Count);
        return outcomes;
    }

    public Outcome Resolve(PushContext context, KeyedRequest keyed, ResolutionRequest request) =>
        Run(context, plan => (Resolution.Run(plan, context, keyed, request), false));

    /// <summary>Decides on a plan that holds every unique key that the decision asks for, and stores it.</summary>
    private T Run<T>(PushContext context, Func<SpacePlan, (T Answer, bool Discard)> decide)
    {
        var keys = new HashSet<UniqueKey>();
        _pushes++;
        while (true)
        {
            var plan = Load(context, keys);
            var (answer, discard) = decide(plan);
            if (plan.MissingKeys.Count > 0)
            {
                keys.UnionWith(plan.MissingKeys);
                continue;
            }

            if (!discard)
            {
                Store(plan);
            }

            return answer;
        }
    }

    private SpacePlan Load(PushContext context, HashSet<UniqueKey> keys)
    {
        var plan = new SpacePlan(Guid.Empty, _head, Now, new Entropy(_pushes)) { Counted = new Counted(_figures) };
        foreach (var key in keys)
        {
            plan.Load(key, holder: null);
            foreach (var holder in _keys.Where(held => held.Key == key))
            {
                plan.Load(key, holder.RecordId);
            }
        }

        foreach (var record in _records.Values)
        {
            plan.Load(record with { Data = record.Data is { } data ? new RecordData(data.Utf8) : null });
        }

        foreach (var change in _changes)
        {
            plan.Load(change with { Patch = Again(change.Patch), Sent = Again(change.Sent), Before = Again(change.Before) });
        }

        foreach (var unchanged in _unchanged.Where(op => op.Principal == context.Principal))
        {
            plan.Load(unchanged with { Sent = Again(unchanged.Sent) });
        }

        foreach (var (key, outcome) in _outcomes)
        {
            plan.Load(key, outcome);
        }

        foreach (var (slot, conflictId) in _open)
        {
            plan.LoadOpenConflicts(slot.Key, plan.OpenConflicts(slot.Key) + 1);
            if (slot.Principal == context.Principal && slot.Device == context.Device)
            {
                var holder = _records[new RecordKey(RecordKey.ConflictEntity, conflictId)];
                plan.Load(ParkedConflict.FromJson(JsonParser.ParseStored(holder.Data!.Utf8.Span)), holder);
            }
        }

        return plan;
    }

    private static JsonObject? Again(JsonObject? stored) => stored is null ? null : JsonParser.ParseStored(stored.ToUtf8().Span);

    private void Store(SpacePlan plan)
    {
        Assert.Equal(plan.Changes.Count, plan.Head - plan.LoadedHead);
        Made.AssertSaysAll(plan);
        _unchanged.AddRange(plan.UnchangedOps);
        Assert.True(plan.Changes.Select((_, i) => _head + i + 1).SequenceEqual(plan.Changes.Select(change => change.Seq)), "A seq is missing.");
        Assert.True(plan.Changes.Select(change => change.Key).ToHashSet().SetEquals(plan.WrittenRecords.Select(record => record.Key)), "A record has no change.");
        foreach (var record in plan.WrittenRecords)
        {
            var changes = plan.Changes.Where(change => change.Key == record.Key).ToList();
            var first = (_records.GetValueOrDefault(record.Key)?.Rev ?? 0) + 1;
            Assert.True(changes.Select((_, i) => first + i).SequenceEqual(changes.Select(change => change.Rev)), "A revision is missing.");
            Assert.Equal((record.Rev, record.Seq), (changes[^1].Rev, changes[^1].Seq));
            _records[record.Key] = record;
            Remember(record, changes);
        }

        foreach (var change in plan.Changes)
        {
            _firsts.TryAdd(change.Key, change.Seq);
            Assert.Equal(change.Rev == 2 ? _firsts[change.Key] : null, change.FirstSeq);
        }

        _head = plan.Head;
        _changes = [.. _changes, .. plan.Changes];
        foreach (var (key, outcome) in plan.DecidedOutcomes)
        {
            _outcomes.Add(key, outcome);
        }

        foreach (var row in plan.ConflictRows)
        {
            if (row.Open)
            {
                _open.Add(row.Slot, row.ConflictId);
                _conflictIds.Add(row.ConflictId);
            }
            else
            {
                Assert.True(_open.Remove(row.Slot));
            }
        }

        foreach (var resolved in plan.ResolvedOps)
        {
            var stored = _outcomes[resolved.Key];
            _outcomes[resolved.Key] = stored with
            {
                Outcome = stored.Outcome with { State = OutcomeState.Resolved },
                ResolvedForOp = resolved.Choice != ResolutionChoice.Theirs,
            };
        }

        StoreKeys(plan);
        StoreChecksums(plan);
    }

    /// <summary>Afterwards what the plans gained is what there is to count and to add up.</summary>
    private void StoreChecksums(SpacePlan plan)
    {
        _figures = plan.Counted.After();
        var checksums = _figures.Checksums([]);
        foreach (var records in _records.Values.ToLookup(record => record.Key.Entity))
        {
            var expected = records.Aggregate(default(Checksum), (sum, record) => sum + Checksum.Of(record));
            Assert.Equal(expected, checksums.GetValueOrDefault(records.Key));
        }
    }

    /// <summary>Afterwards every live record holds its own unique keys, and nobody holds any other.</summary>
    private void StoreKeys(SpacePlan plan)
    {
        _keys.ExceptWith(plan.FreedKeys);
        Assert.True(plan.TakenKeys.All(taken => _keys.All(held => held.Key != taken.Key)), "A unique key was taken that another holds.");
        _keys.UnionWith(plan.TakenKeys.Select(taken => (taken.Key, taken.Value)));
        Assert.True(HeldKeys().ToHashSet().SetEquals(_keys), "A unique key is held wrongly.");
    }

    /// <summary>The unique keys that live records have by the definitions.</summary>
    private IEnumerable<(UniqueKey Key, string RecordId)> HeldKeys() => _records.Values.Where(record => record is { Deleted: false, Data: not null })
        .SelectMany(record => UniqueKey.Of(Definitions.For(record.Key.Entity), record.Data!.Value).Select(key => (key, record.Key.Id)));

    /// <summary>The states after each revision, got by undoing; those known from an earlier push must be the same again.</summary>
    private void Remember(SyncRecord record, List<Change> added)
    {
        var history = _changes.Where(change => change.Key == record.Key).Concat(added).ToList();
        var state = RecordState.Of(record);
        foreach (var change in Enumerable.Reverse(history))
        {
            var known = _states.TryAdd((record.Key, change.Rev), state) ? state : _states[(record.Key, change.Rev)];
            Assert.True(known == state, $"Revision {change.Rev} was {known} and is {state} now.");
            state = state.Undo(change);
        }

        Assert.True(history[0].Rev > 1 || state == RecordState.Absent);
    }
}
