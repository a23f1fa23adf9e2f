using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Merge;

/// <summary>
/// The two states that an op is merged from (protocol 4). Both hold the same own changes, in the order of the device's
/// counter, and differ only in the op itself; so what a later own op overwrote is no difference any more.
/// </summary>
/// <param name="Base">What the device last saw of the server, with its own other ops.</param>
/// <param name="Yours">The same with this op at its place among them.</param>
/// <param name="Wanted">What the op wanted, before later own ops.</param>
/// <param name="Superseded">Pointers that the op touches and a later own op, which arrived earlier, touches too.</param>
public sealed record Views(RecordState Base, RecordState Yours, RecordState Wanted, IReadOnlyList<string> Superseded)
{
    /// <summary>
    /// The views of <paramref name="op"/> on a record that is now <paramref name="current"/>.
    /// <paramref name="since"/> are all changes after the op's base revision, oldest first.
    /// </summary>
    public static Views Of(RecordState current, IReadOnlyList<Change> since, Op op, Func<Change, bool> isOwn)
    {
        var seen = since.Reverse().Aggregate(current, (state, change) => state.Undo(change));
        var own = InDeviceOrder(since.Where(isOwn));
        var place = op.N is null ? own.Count : PlaceOf(op.N, own);
        var earlier = own.Take(place).Aggregate(seen, Overlay);
        var later = own.Skip(place).ToList();
        var patched = op.Replaces ? earlier with { Data = MergePatch.Apply(null, op.Patch) } : earlier.With(op.Kind, op.Patch);
        var yours = later.Aggregate(patched, Overlay);
        var touchedLater = later.SelectMany(change => TouchedBy(change, op, yours.Deleted)).ToList();
        return new Views(
            later.Aggregate(earlier, Overlay),
            yours,
            patched,
            [.. op.Touched().Where(path => touchedLater.Exists(other => JsonPointer.Meet(path, other)))]);
    }

    /// <summary>Own changes sorted by their counter; those without one keep their place by arrival.</summary>
    private static List<Change> InDeviceOrder(IEnumerable<Change> arrivals)
    {
        var ordered = new List<Change>();
        foreach (var change in arrivals)
        {
            ordered.Insert(PlaceOf(change.N, ordered), change);
        }

        return ordered;
    }

    /// <summary>Behind everything but the unbroken run of larger counters at the end.</summary>
    private static int PlaceOf(long? n, List<Change> ordered)
    {
        var place = ordered.Count;
        while (n is not null && place > 0 && ordered[place - 1].N > n)
        {
            place--;
        }

        return place;
    }

    private static RecordState Overlay(RecordState state, Change change) =>
        state.With(change.Kind, change.Sent ?? change.Patch ?? JsonObject.Empty);

    /// <summary>A delete touches everything, but leaves an edit alone where it was taken back; a restore touches no data.</summary>
    private static IEnumerable<string> TouchedBy(Change change, Op op, bool endsDeleted) => (change.Kind, op.Kind) switch
    {
        (OpKind.Delete, OpKind.Update) => endsDeleted ? [""] : [],
        (OpKind.Delete, _) or (OpKind.Restore, not OpKind.Update) => [""],
        _ => MergePatch.Touched(change.Sent ?? change.Patch ?? JsonObject.Empty),
    };
}
