using System.Runtime.InteropServices;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>The key of an outcome inside its space.</summary>
public readonly record struct OutcomeKey(string Principal, string OpId);

/// <summary>Who writes, as it goes into the log.</summary>
public sealed record Author(string Principal, string Device);

/// <summary>A conflict to be inserted, or marked resolved, in the table that finds open conflicts.</summary>
public sealed record ConflictRow(string ConflictId, ConflictSlot Slot, bool Open);

/// <summary>A value that no two live records of a space share: the entity, the name of its rule, and the hash of the values as hex.</summary>
public readonly record struct UniqueKey(string Entity, string Rule, string Hash)
{
    /// <summary>The keys of a record with this data.</summary>
    public static IEnumerable<UniqueKey> Of(EntityDefinition definition, JsonObject data) =>
        definition.UniqueKeys(data).Select(key => new UniqueKey(definition.Name, key.Rule.Name, key.Hash));
}

/// <summary>A parked op whose conflict was resolved, and how.</summary>
public readonly record struct ResolvedOp(OutcomeKey Key, ResolutionChoice Choice);

/// <summary>
/// One space as it was loaded under its lock, or as it is assumed to be, and what a push will write to it. Reads see the plan's own writes, so
/// every op of a batch sees the effects of those before it. It is thrown away or written as a whole.
/// </summary>
public sealed class SpacePlan(Guid spaceId, long head, DateTimeOffset now, Entropy entropy)
{
    private readonly Dictionary<RecordKey, SyncRecord> _records = [];
    private readonly Dictionary<RecordKey, List<Change>> _history = [];
    private readonly Dictionary<OutcomeKey, StoredOutcome> _outcomes = [];
    private readonly Dictionary<ConflictSlot, ParkedConflict> _conflicts = [];
    private readonly Dictionary<RecordKey, int> _openConflicts = [];
    private readonly Dictionary<RecordKey, (Op Op, RecordData Data)> _parked = [];
    private readonly Dictionary<RecordKey, bool> _written = [];
    private readonly List<KeyValuePair<OutcomeKey, StoredOutcome>> _decided = [];
    private readonly List<ConflictRow> _conflictRows = [];
    private readonly List<ResolvedOp> _resolved = [];
    private readonly List<Change> _unchanged = [];
    private readonly HashSet<RecordKey> _cutRecords = [];
    private readonly List<Change> _ownLater = [];
    private readonly Dictionary<(RecordKey, long, Author), DeviceState> _devices = [];
    private readonly Dictionary<UniqueKey, HashSet<string>> _keyHolders = [];
    private long _spent;
    private readonly HashSet<UniqueKey> _missingKeys = [];
    private readonly HashSet<(UniqueKey, string)> _freedKeys = [];
    private readonly Dictionary<UniqueKey, string> _takenKeys = [];

    /// <summary>The space.</summary>
    public Guid SpaceId { get; } = spaceId;

    /// <summary>The seq of the last change, this plan's included.</summary>
    public long Head { get; private set; } = head;

    /// <summary>The counter as it was loaded.</summary>
    public long LoadedHead { get; } = head;

    /// <summary>Whether it was made without the lock, on what is remembered of the space: it is written where the space is still as it was.</summary>
    public bool IsAssumed { get; init; }

    /// <summary>The server's clock when the space was loaded, to the millisecond: under the lock, and where it lands unlocked, it follows the order of seq.</summary>
    public DateTimeOffset Now { get; } = Records.Timestamp.Truncate(now);

    /// <summary>Random values for this plan.</summary>
    public Entropy Entropy { get; } = entropy;

    /// <summary>New entries of the log, in order.</summary>
    public List<Change> Changes { get; } = [];

    /// <summary>Accepted ops that changed nothing, to be remembered for their devices.</summary>
    public List<Change> UnchangedOps { get; } = [];

    /// <summary>What is counted in the space, before this plan and by it.</summary>
    public Counted Counted { get; init; } = new(Figures.None);

    /// <summary>What the figures gain.</summary>
    public Tallies Tallies => Counted.Gains;

    /// <summary>The new state of every record that the plan writes.</summary>
    public IEnumerable<SyncRecord> WrittenRecords => _written.Keys.Select(key => _records[key]);

    /// <summary>Whether the plan made a record that it writes: there is no row of it yet.</summary>
    public bool IsNew(SyncRecord written) => _written[written.Key];

    /// <summary>The outcomes to store.</summary>
    public IReadOnlyCollection<KeyValuePair<OutcomeKey, StoredOutcome>> DecidedOutcomes => _decided;

    /// <summary>
    /// Whether history between an op's base and now was not loaded. It may be purged; where several pushes shared what one
    /// may load, it may have been cut instead, and only a load for the push alone can tell.
    /// </summary>
    public bool MissesHistory { get; private set; }

    /// <summary>Conflicts opened or resolved.</summary>
    public IReadOnlyList<ConflictRow> ConflictRows => _conflictRows;

    /// <summary>Parked ops whose conflict the plan resolves.</summary>
    public IReadOnlyList<ResolvedOp> ResolvedOps => _resolved;

    /// <summary>Unique keys that were asked for and not loaded: what was decided without them has to be decided again.</summary>
    public IReadOnlyCollection<UniqueKey> MissingKeys => _missingKeys;

    /// <summary>Unique keys and the records that do not hold them any more; freed before any is taken.</summary>
    public IReadOnlyCollection<(UniqueKey Key, string RecordId)> FreedKeys => _freedKeys;

    /// <summary>Unique keys and the records that hold them from now on.</summary>
    public IReadOnlyDictionary<UniqueKey, string> TakenKeys => _takenKeys;

    /// <summary>Whether there is anything to write.</summary>
    public bool HasWrites => Changes.Count > 0 || _decided.Count > 0 || Tallies.Any;

    /// <summary>Takes over a record as it was loaded.</summary>
    public void Load(SyncRecord record) => _records[record.Key] = record;

    /// <summary>Takes over an outcome as it was loaded.</summary>
    public void Load(OutcomeKey key, StoredOutcome outcome) => _outcomes[key] = outcome;

    /// <summary>Takes over an entry of the log as it was loaded; entries of a record come oldest first.</summary>
    public void Load(Change change) => (change.IsUnchanged ? _unchanged : HistoryOf(change.Key)).Add(change);

    /// <summary>Takes over an own change of a later counter than an op without a base has; it is no part of the record's history here.</summary>
    public void LoadOwnLater(Change change) => _ownLater.Add(change);

    /// <summary>Not all of what was asked for was loaded.</summary>
    public void CutHistory() => MissesHistory = true;

    /// <summary>Of one record not all was loaded that came after a base: nothing is merged on it.</summary>
    public void CutHistory(RecordKey key)
    {
        MissesHistory = true;
        _cutRecords.Add(key);
    }

    /// <summary>Takes over an open conflict and the <c>$conflict</c> record that holds it.</summary>
    public void Load(ParkedConflict conflict, SyncRecord holder)
    {
        Load(holder);
        _conflicts[conflict.Slot] = conflict;
    }

    /// <summary>Takes over how many conflicts are open on a record, over all devices.</summary>
    public void LoadOpenConflicts(RecordKey key, int count) => _openConflicts[key] = count;

    /// <summary>
    /// Takes over that a record holds a unique key; null adds nobody, and says that the key was looked up. More than one holds
    /// it only where they did before the rule was declared.
    /// </summary>
    public void Load(UniqueKey key, string? holder)
    {
        ref var holders = ref CollectionsMarshal.GetValueRefOrAddDefault(_keyHolders, key, out _);
        holders ??= new HashSet<string>(StringComparer.Ordinal);
        if (holder is not null)
        {
            holders.Add(holder);
        }
    }

    /// <summary>Whether another live record holds a unique key; one that was not loaded is noted as missing.</summary>
    public bool IsTaken(UniqueKey key, RecordKey by)
    {
        if (_keyHolders.TryGetValue(key, out var holders))
        {
            return holders.Any(holder => holder != by.Id);
        }

        _missingKeys.Add(key);
        return false;
    }

    /// <summary>Gives up the keys that a record had and takes those that it has now; what it keeps is not touched.</summary>
    public void Claim(RecordKey key, IReadOnlyCollection<UniqueKey> before, IReadOnlyCollection<UniqueKey> now)
    {
        foreach (var freed in before.Except(now))
        {
            _freedKeys.Add((freed, key.Id));
            if (_takenKeys.GetValueOrDefault(freed) == key.Id)
            {
                _takenKeys.Remove(freed);
            }

            // Of a key that was not loaded the other holders are unknown, and whoever asks for it has it loaded first.
            _keyHolders.GetValueOrDefault(freed)?.Remove(key.Id);
        }

        foreach (var taken in now.Except(before))
        {
            _takenKeys[taken] = key.Id;
            _keyHolders.GetValueOrDefault(taken)?.Add(key.Id);
        }
    }

    /// <summary>The record or its tombstone, or null where it never existed.</summary>
    public SyncRecord? Find(RecordKey key) => _records.GetValueOrDefault(key);

    /// <summary>The stored outcome of a key, or null where none was decided.</summary>
    public StoredOutcome? FindOutcome(OutcomeKey key) => _outcomes.GetValueOrDefault(key);

    /// <summary>Whether a key was decided before this plan.</summary>
    public bool WasStored(OutcomeKey key) => _outcomes.ContainsKey(key) && !_decided.Exists(decided => decided.Key == key);

    /// <summary>Begins another push on the same plan: what it may spend is its own.</summary>
    public void BeginPush() => _spent = 0;

    /// <summary>Whether the push may do this much more merging; one op always may, so that a push gets on whenever it is sent.</summary>
    public bool Spend(long work)
    {
        var isFirst = _spent == 0;
        _spent += work;
        return isFirst || _spent <= Limits.MergeWork;
    }

    /// <summary>What a device holds of a record since a base revision, as far as this plan has worked it out.</summary>
    public DeviceState DeviceOn(RecordKey key, long baseRev, Author author)
    {
        ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_devices, (key, baseRev, author), out _);
        return state ??= new DeviceState();
    }

    /// <summary>The open conflict of a slot.</summary>
    public ParkedConflict? FindConflict(ConflictSlot slot) => _conflicts.GetValueOrDefault(slot);

    /// <summary>How many conflicts are open on a record.</summary>
    public int OpenConflicts(RecordKey key) => _openConflicts.GetValueOrDefault(key);

    /// <summary>
    /// Every change of the record after <paramref name="baseRev"/>, oldest first; null where that is not known, because
    /// history was purged or there are more than <see cref="Limits.MergeChanges"/>. Ops that changed nothing are among them
    /// where <paramref name="principal"/> sent them.
    /// </summary>
    public IReadOnlyList<Change>? Since(SyncRecord record, long baseRev, string principal)
    {
        var expected = record.Rev - baseRev;
        if (expected > Limits.MergeChanges)
        {
            return null;
        }

        var since = HistoryOf(record.Key).Where(change => change.Rev > baseRev).ToList();
        if (since.Count != expected || _cutRecords.Contains(record.Key))
        {
            MissesHistory = true;
            return null;
        }

        foreach (var unchanged in _unchanged.Where(op => op.Key == record.Key && op.Rev > baseRev && op.Principal == principal))
        {
            since.Insert(since.FindLastIndex(change => change.Rev <= unchanged.Rev) + 1, unchanged);
        }

        return since;
    }

    /// <summary>The accepted ops of a record that are <paramref name="own"/> and have a larger counter than <paramref name="n"/>, in the order of counters.</summary>
    public IReadOnlyList<Change> OwnLater(RecordKey key, long? n, Func<Change, bool> own) => n is null ? [] : [.. HistoryOf(key)
        .Concat(_ownLater.Concat(_unchanged).Where(change => change.Key == key))
        .Where(change => change.N > n && own(change))
        .DistinctBy(change => change.OpId, StringComparer.Ordinal)
        .OrderBy(change => change.N)];

    /// <summary>
    /// Remembers an accepted op that changed nothing, because the next op of its device builds on it, and because the
    /// record's history shows what it said and what became of it.
    /// </summary>
    public void KeepUnchanged(Author author, Op op, IReadOnlyList<Explanation>? merge)
    {
        var unchanged = new Change
        {
            IsUnchanged = true,
            Seq = 0,
            Key = op.Key,
            Rev = Find(op.Key)!.Rev,
            Kind = op.Kind,
            OpId = op.OpId,
            Principal = author.Principal,
            Device = author.Device,
            N = op.N,
            At = Now,
            Tag = 0,
            Patch = null,
            Sent = op.Patch,
            Before = null,
            Merge = merge is { Count: > 0 } ? new JsonArray([.. merge.Select(path => path.ToJson())]) : null,
        };
        _unchanged.Add(unchanged);
        UnchangedOps.Add(unchanged);
    }

    /// <summary>
    /// Writes a record: the next revision at the next position, with the difference in both directions in the log.
    /// <paramref name="data"/> is the whole new data, of a delete the last.
    /// </summary>
    public SyncRecord Write(Author author, Op op, OpKind kind, RecordData? data)
    {
        var before = Find(op.Key);
        var rev = (before?.Rev ?? 0) + 1;
        Head++;
        var from = before?.Data?.Value ?? JsonObject.Empty;
        // What makes a record is all of its data.
        var after = data?.Value ?? JsonObject.Empty;
        var applied = kind == OpKind.Delete ? JsonObject.Empty : before is null ? after : MergePatch.Diff(from, after);
        var record = new SyncRecord
        {
            Key = op.Key,
            Rev = rev,
            Seq = Head,
            Deleted = kind == OpKind.Delete || (kind == OpKind.Update && before is { Deleted: true }),
            Data = data,
            UpdatedAt = Now,
            UpdatedBy = author.Principal,
            OpId = op.OpId,
        };
        var change = new Change
        {
            Seq = Head,
            Key = op.Key,
            Rev = rev,
            Kind = kind,
            OpId = op.OpId,
            Principal = author.Principal,
            Device = author.Device,
            N = op.N,
            At = Now,
            Tag = Entropy.NextTag(),
            Patch = kind is OpKind.Delete or OpKind.Restore && applied.Count == 0 ? null : applied,
            Sent = op.Replaces || op.Patch.Equals(applied) ? null : op.Patch,
            Before = kind == OpKind.Delete ? from : applied.Count == 0 || before is null ? null : MergePatch.Diff(data!.Value, from),
            FirstSeq = before is { Rev: 1 } ? before.Seq : null,
        };
        Tallies.AddWrite(before, record);
        _records[op.Key] = record;
        _written.TryAdd(op.Key, before is null);
        HistoryOf(op.Key).Add(change);
        Changes.Add(change);
        return record;
    }

    /// <summary>Stores the answer of a key, and counts it; it never had one.</summary>
    public void Decide(OutcomeKey key, StoredOutcome outcome)
    {
        _outcomes.Add(key, outcome);
        _decided.Add(KeyValuePair.Create(key, outcome));
        Tallies.AddOutcome(outcome.Entity, outcome.Outcome.State);
    }

    /// <summary>Opens a conflict, or adds to one that an op joined. <paramref name="data"/> is what <see cref="WriteParked"/> writes of it.</summary>
    public void Park(Op op, ParkedConflict conflict, RecordData data)
    {
        if (!_conflicts.ContainsKey(conflict.Slot))
        {
            _conflictRows.Add(new ConflictRow(conflict.ConflictId, conflict.Slot, Open: true));
            _openConflicts[conflict.Slot.Key] = OpenConflicts(conflict.Slot.Key) + 1;
        }

        _conflicts[conflict.Slot] = conflict;
        _parked[new RecordKey(RecordKey.ConflictEntity, conflict.ConflictId)] = (op, data);
    }

    /// <summary>Writes every conflict that was opened or added to, once, whatever the number of ops that joined it.</summary>
    public void WriteParked(Author author)
    {
        foreach (var (key, (op, data)) in _parked)
        {
            var holder = op with { Key = key, Patch = data.Value, Replaces = true };
            Write(author, holder, Find(key) is null ? OpKind.Create : OpKind.Update, data);
        }

        _parked.Clear();
    }

    /// <summary>
    /// Closes a conflict: its record becomes a tombstone, and the outcomes of its ops count as resolved, whose answers
    /// to repeats stay what they were.
    /// </summary>
    public void Close(Author author, Op op, ParkedConflict conflict, ResolutionChoice choice)
    {
        var key = new RecordKey(RecordKey.ConflictEntity, conflict.ConflictId);
        _conflicts.Remove(conflict.Slot);
        _conflictRows.Add(new ConflictRow(conflict.ConflictId, conflict.Slot, Open: false));
        _resolved.AddRange(conflict.Ops.Select(parked => new ResolvedOp(new OutcomeKey(conflict.Slot.Principal, parked.OpId), choice)));
        Tallies.Add(conflict.Slot.Key.Entity, tally => tally with { Resolved = tally.Resolved + 1 });
        Write(author, op with { Key = key, Kind = OpKind.Delete, Patch = JsonObject.Empty, Replaces = true }, OpKind.Delete, Find(key)!.Data);
    }

    private List<Change> HistoryOf(RecordKey key)
    {
        ref var history = ref CollectionsMarshal.GetValueRefOrAddDefault(_history, key, out _);
        return history ??= [];
    }
}
