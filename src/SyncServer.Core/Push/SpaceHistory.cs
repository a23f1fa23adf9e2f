using System.Runtime.InteropServices;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>
/// The changes of a space by record, for ops that were made on an older revision: as they were loaded, and behind them what a plan writes.
/// </summary>
/// <param name="written">What the plan writes. It may grow; what came since is taken in when somebody asks.</param>
internal sealed class SpaceHistory(IReadOnlyList<Change> written)
{
    private readonly Dictionary<RecordKey, List<Change>> _changes = [];
    private readonly List<Change> _unchanged = [];
    private readonly List<Change> _kept = [];
    private readonly List<Change> _ownLater = [];
    private readonly HashSet<RecordKey> _cutRecords = [];
    private readonly Dictionary<(RecordKey, long, Author), DeviceState> _devices = [];
    private int _takenIn;

    /// <summary>Whether changes between an op's base and now were not loaded.</summary>
    public bool IsMissed { get; private set; }

    /// <summary>Accepted ops that changed nothing, this plan's only.</summary>
    public IReadOnlyList<Change> Kept => _kept;

    /// <summary>Takes over an entry of the log as it was loaded; entries of a record come oldest first.</summary>
    public void Load(Change change) => (change.IsUnchanged ? _unchanged : ListOf(change.Key)).Add(change);

    /// <summary>Takes over an own change of a later counter than an op without a base has; it is no part of the record's history here.</summary>
    public void LoadOwnLater(Change change) => _ownLater.Add(change);

    /// <summary>Not all of what was asked for was loaded.</summary>
    public void Cut() => IsMissed = true;

    /// <summary>Of one record not all was loaded that came after a base: nothing is merged on it.</summary>
    public void Cut(RecordKey key)
    {
        IsMissed = true;
        _cutRecords.Add(key);
    }

    /// <summary>Remembers an accepted op that changed nothing.</summary>
    public void Keep(Change unchanged)
    {
        _unchanged.Add(unchanged);
        _kept.Add(unchanged);
    }

    /// <summary>What a device holds of a record since a base revision, as far as it was worked out.</summary>
    public DeviceState DeviceOn(RecordKey key, long baseRev, Author author)
    {
        ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_devices, (key, baseRev, author), out _);
        return state ??= new DeviceState();
    }

    /// <inheritdoc cref="SpacePlan.Since"/>
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
            IsMissed = true;
            return null;
        }

        foreach (var unchanged in _unchanged.Where(op => op.Key == record.Key && op.Rev > baseRev && op.Principal == principal))
        {
            since.Insert(since.FindLastIndex(change => change.Rev <= unchanged.Rev) + 1, unchanged);
        }

        return since;
    }

    /// <inheritdoc cref="SpacePlan.OwnLater"/>
    public IReadOnlyList<Change> OwnLater(RecordKey key, long n, Func<Change, bool> own) => [.. HistoryOf(key)
        .Concat(_ownLater.Concat(_unchanged).Where(change => change.Key == key))
        .Where(change => change.N > n && own(change))
        .DistinctBy(change => change.OpId, StringComparer.Ordinal)
        .OrderBy(change => change.N)];

    private List<Change> HistoryOf(RecordKey key)
    {
        for (; _takenIn < written.Count; _takenIn++)
        {
            ListOf(written[_takenIn].Key).Add(written[_takenIn]);
        }

        return ListOf(key);
    }

    private List<Change> ListOf(RecordKey key)
    {
        ref var changes = ref CollectionsMarshal.GetValueRefOrAddDefault(_changes, key, out _);
        return changes ??= [];
    }
}
