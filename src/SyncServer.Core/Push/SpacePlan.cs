using System.Collections.ObjectModel;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>The key of an outcome inside its space.</summary>
public readonly record struct OutcomeKey(string Principal, string OpId);

/// <summary>Who writes, as it goes into the log.</summary>
public readonly record struct Author(string Principal, string Device);

/// <summary>
/// One space as it was loaded under its lock, or as it is assumed to be, and what a push will write to it. Reads see the plan's own writes, so
/// every op of a batch sees the effects of those before it. Everything is loaded before anything is written. It is thrown away or written
/// as a whole.
/// </summary>
public sealed class SpacePlan(Guid spaceId, long head, DateTimeOffset now, Entropy entropy)
{
    private readonly Dictionary<RecordKey, (SyncRecord Record, bool IsNew)> _records = [];
    private readonly OrderedDictionary<OutcomeKey, StoredOutcome> _decided = [];
    private readonly List<Change> _changes = [];
    private long _spent;

    // Most pushes are a few creates, which need none of these: each is made when it is first needed.
    private Dictionary<OutcomeKey, StoredOutcome>? _stored;
    private SpaceHistory? _history;
    private SpaceConflicts? _conflicts;
    private SpaceUniqueKeys? _uniqueKeys;

    private SpaceHistory History => _history ??= new SpaceHistory(_changes);

    private SpaceConflicts Conflicts => _conflicts ??= new SpaceConflicts();

    private SpaceUniqueKeys UniqueKeys => _uniqueKeys ??= new SpaceUniqueKeys();

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
    public IReadOnlyList<Change> Changes => _changes;

    /// <summary>Accepted ops that changed nothing, to be remembered for their devices.</summary>
    public IReadOnlyList<Change> UnchangedOps => _history?.Kept ?? [];

    /// <summary>What is counted in the space, before this plan and by it.</summary>
    public Counted Counted { get => field ??= new Counted(Figures.None); init; }

    /// <summary>What the figures gain.</summary>
    public Tallies Tallies => Counted.Gains;

    /// <summary>The new state of every record that the plan writes, in the order of their last changes.</summary>
    public IEnumerable<SyncRecord> WrittenRecords =>
        from change in _changes let record = _records[change.Key].Record where record.Seq == change.Seq select record;

    /// <summary>Whether the plan made a record that it writes: there is no row of it yet.</summary>
    public bool IsNew(SyncRecord written) => _records[written.Key].IsNew;

    /// <summary>The outcomes to store, in the order of their ops.</summary>
    public IReadOnlyList<KeyValuePair<OutcomeKey, StoredOutcome>> DecidedOutcomes => _decided;

    /// <summary>
    /// Whether history between an op's base and now was not loaded. It may be purged; where several pushes shared what one
    /// may load, it may have been cut instead, and only a load for the push alone can tell.
    /// </summary>
    public bool MissesHistory => _history?.IsMissed == true;

    /// <summary>Conflicts opened or resolved.</summary>
    public IReadOnlyList<ConflictRow> ConflictRows => _conflicts?.Rows ?? [];

    /// <summary>Parked ops whose conflict the plan resolves.</summary>
    public IReadOnlyList<ResolvedOp> ResolvedOps => _conflicts?.ResolvedOps ?? [];

    /// <summary>Unique keys that were asked for and not loaded: what was decided without them has to be decided again.</summary>
    public IReadOnlyCollection<UniqueKey> MissingKeys => _uniqueKeys?.Missing ?? [];

    /// <summary>Unique keys and the records that do not hold them any more; freed before any is taken.</summary>
    public IReadOnlyCollection<(UniqueKey Key, string RecordId)> FreedKeys => _uniqueKeys?.Freed ?? [];

    /// <summary>Unique keys and the records that hold them from now on.</summary>
    public IReadOnlyDictionary<UniqueKey, string> TakenKeys => _uniqueKeys?.Taken ?? ReadOnlyDictionary<UniqueKey, string>.Empty;

    /// <summary>Whether there is anything to write.</summary>
    public bool HasWrites => _changes.Count > 0 || _decided.Count > 0 || Tallies.Any;

    /// <summary>Takes over a record as it was loaded.</summary>
    public void Load(SyncRecord record) => _records[record.Key] = (record, IsNew: false);

    /// <summary>Takes over an outcome as it was loaded.</summary>
    public void Load(OutcomeKey key, StoredOutcome outcome) => (_stored ??= [])[key] = outcome;

    /// <summary>Takes over an entry of the log as it was loaded; entries of a record come oldest first.</summary>
    public void Load(Change change) => History.Load(change);

    /// <summary>Takes over an own change of a later counter than an op without a base has; it is no part of the record's history here.</summary>
    public void LoadOwnLater(Change change) => History.LoadOwnLater(change);

    /// <summary>Not all of what was asked for was loaded.</summary>
    public void CutHistory() => History.Cut();

    /// <summary>Of one record not all was loaded that came after a base: nothing is merged on it.</summary>
    public void CutHistory(RecordKey key) => History.Cut(key);

    /// <summary>Takes over an open conflict and the <c>$conflict</c> record that holds it.</summary>
    public void Load(ParkedConflict conflict, SyncRecord holder)
    {
        Load(holder);
        Conflicts.Load(conflict);
    }

    /// <summary>Takes over how many conflicts are open on a record, over all devices.</summary>
    public void LoadOpenConflicts(RecordKey key, int count) => Conflicts.LoadCount(key, count);

    /// <summary>
    /// Takes over that a record holds a unique key; null adds nobody, and says that the key was looked up. More than one holds
    /// it only where they did before the rule was declared.
    /// </summary>
    public void Load(UniqueKey key, string? holder) => UniqueKeys.Load(key, holder);

    /// <summary>Whether another live record holds a unique key; one that was not loaded is noted as missing.</summary>
    public bool IsTaken(UniqueKey key, RecordKey by) => UniqueKeys.IsTaken(key, by.Id);

    /// <summary>Gives up the keys that a record had and takes those that it has now; what it keeps is not touched.</summary>
    public void Claim(RecordKey key, IReadOnlyCollection<UniqueKey> before, IReadOnlyCollection<UniqueKey> now) => UniqueKeys.Claim(key.Id, before, now);

    /// <summary>The record or its tombstone, or null where it never existed.</summary>
    public SyncRecord? Find(RecordKey key) => _records.GetValueOrDefault(key).Record;

    /// <summary>The stored outcome of a key, or null where none was decided.</summary>
    public StoredOutcome? FindOutcome(OutcomeKey key) => _decided.GetValueOrDefault(key) ?? _stored?.GetValueOrDefault(key);

    /// <summary>Whether a key was decided before this plan.</summary>
    public bool WasStored(OutcomeKey key) => _stored?.ContainsKey(key) == true;

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
    public DeviceState DeviceOn(RecordKey key, long baseRev, Author author) => History.DeviceOn(key, baseRev, author);

    /// <summary>The open conflict of a slot.</summary>
    public ParkedConflict? FindConflict(ConflictSlot slot) => _conflicts?.Find(slot);

    /// <summary>How many conflicts are open on a record.</summary>
    public int OpenConflicts(RecordKey key) => _conflicts?.CountOn(key) ?? 0;

    /// <summary>
    /// Every change of the record after <paramref name="baseRev"/>, oldest first; null where that is not known, because
    /// history was purged or there are more than <see cref="Limits.MergeChanges"/>. Ops that changed nothing are among them
    /// where <paramref name="principal"/> sent them.
    /// </summary>
    public IReadOnlyList<Change>? Since(SyncRecord record, long baseRev, string principal) => History.Since(record, baseRev, principal);

    /// <summary>The accepted ops of a record that are <paramref name="own"/> and have a larger counter than <paramref name="n"/>, in the order of counters.</summary>
    public IReadOnlyList<Change> OwnLater(RecordKey key, long? n, Func<Change, bool> own) => n is { } counter ? History.OwnLater(key, counter, own) : [];

    /// <summary>
    /// Remembers an accepted op that changed nothing, because the next op of its device builds on it, and because the
    /// record's history shows what it said and what became of it.
    /// </summary>
    public void KeepUnchanged(Author author, Op op, IReadOnlyList<Explanation>? merge) => History.Keep(new Change
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
    });

    /// <summary>
    /// Writes a record: the next revision at the next position, with the difference in both directions in the log.
    /// <paramref name="data"/> is the whole new data, of a delete the last.
    /// </summary>
    public SyncRecord Write(Author author, Op op, OpKind kind, RecordData? data)
    {
        var (before, isNew) = _records.GetValueOrDefault(op.Key);
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
        _records[op.Key] = (record, isNew || before is null);
        _changes.Add(change);
        return record;
    }

    /// <summary>Stores the answer of a key, and counts it; it never had one.</summary>
    public void Decide(OutcomeKey key, StoredOutcome outcome)
    {
        if (WasStored(key))
        {
            throw new InvalidOperationException("A key is decided once.");
        }

        _decided.Add(key, outcome);
        Tallies.AddOutcome(outcome.Entity, outcome.Outcome.State);
    }

    /// <summary>Opens a conflict, or adds to one that an op joined. <paramref name="data"/> is what <see cref="WriteParked"/> writes of it.</summary>
    public void Park(Op op, ParkedConflict conflict, RecordData data) => Conflicts.Park(op, conflict, data);

    /// <summary>Writes every conflict that was opened or added to, once, whatever the number of ops that joined it.</summary>
    public void WriteParked(Author author)
    {
        foreach (var (op, data) in _conflicts?.TakeParked() ?? [])
        {
            Write(author, op, Find(op.Key) is null ? OpKind.Create : OpKind.Update, data);
        }
    }

    /// <summary>
    /// Closes a conflict: its record becomes a tombstone, and the outcomes of its ops count as resolved, whose answers
    /// to repeats stay what they were.
    /// </summary>
    public void Close(Author author, Op op, ParkedConflict conflict, ResolutionChoice choice)
    {
        Conflicts.Close(conflict, choice);
        Tallies.Add(conflict.Slot.Key.Entity, new Tally { Resolved = 1 });
        var key = Resolution.HolderOf(conflict.ConflictId);
        Write(author, op with { Key = key, Kind = OpKind.Delete, Patch = JsonObject.Empty, Replaces = true }, OpKind.Delete, Find(key)!.Data);
    }
}
