using SyncServer.Core.Conflicts;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>A conflict to be inserted, or marked resolved, in the table that finds open conflicts.</summary>
public sealed record ConflictRow(string ConflictId, ConflictSlot Slot, bool Open);

/// <summary>A parked op whose conflict was resolved, and how.</summary>
public readonly record struct ResolvedOp(OutcomeKey Key, ResolutionChoice Choice);

/// <summary>The open conflicts of a space, as far as they were asked for, and what a plan opens, adds to and closes.</summary>
internal sealed class SpaceConflicts
{
    private readonly Dictionary<ConflictSlot, ParkedConflict> _open = [];
    private readonly Dictionary<RecordKey, int> _counts = [];
    private readonly Dictionary<RecordKey, (Op Op, RecordData Data)> _parked = [];
    private readonly List<ConflictRow> _rows = [];
    private readonly List<ResolvedOp> _resolved = [];

    /// <summary>Conflicts opened or resolved.</summary>
    public IReadOnlyList<ConflictRow> Rows => _rows;

    /// <summary>Parked ops whose conflict was resolved.</summary>
    public IReadOnlyList<ResolvedOp> ResolvedOps => _resolved;

    /// <summary>Takes over an open conflict.</summary>
    public void Load(ParkedConflict conflict) => _open[conflict.Slot] = conflict;

    /// <summary>Takes over how many conflicts are open on a record, over all devices.</summary>
    public void LoadCount(RecordKey key, int count) => _counts[key] = count;

    /// <summary>The open conflict of a slot.</summary>
    public ParkedConflict? Find(ConflictSlot slot) => _open.GetValueOrDefault(slot);

    /// <summary>How many conflicts are open on a record.</summary>
    public int CountOn(RecordKey key) => _counts.GetValueOrDefault(key);

    /// <summary>Opens a conflict, or adds to one that an op joined. <paramref name="data"/> is what its record has to hold.</summary>
    public void Park(Op op, ParkedConflict conflict, RecordData data)
    {
        if (!_open.ContainsKey(conflict.Slot))
        {
            _rows.Add(new ConflictRow(conflict.ConflictId, conflict.Slot, Open: true));
            _counts[conflict.Slot.Key] = CountOn(conflict.Slot.Key) + 1;
        }

        _open[conflict.Slot] = conflict;
        _parked[Resolution.HolderOf(conflict.ConflictId)] = (op, data);
    }

    /// <summary>
    /// What has to be written of conflicts that were opened or added to, each once, whatever the number of ops that joined it: the op
    /// that writes its record, and the data. It is taken: the next call gives what came since.
    /// </summary>
    public IReadOnlyList<(Op Op, RecordData Data)> TakeParked()
    {
        List<(Op, RecordData)> parked =
            [.. _parked.Select(held => (held.Value.Op with { Key = held.Key, Patch = held.Value.Data.Value, Replaces = true }, held.Value.Data))];
        _parked.Clear();
        return parked;
    }

    /// <summary>Closes a conflict; the outcomes of its ops count as resolved.</summary>
    public void Close(ParkedConflict conflict, ResolutionChoice choice)
    {
        _open.Remove(conflict.Slot);
        _rows.Add(new ConflictRow(conflict.ConflictId, conflict.Slot, Open: false));
        _resolved.AddRange(conflict.Ops.Select(parked => new ResolvedOp(new OutcomeKey(conflict.Slot.Principal, parked.OpId), choice)));
    }
}
