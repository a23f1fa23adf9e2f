using SyncServer.Core.Entities;
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
/// <param name="Superseded">
/// Pointers that the op touches and a later own op, which arrived earlier, touches too; where both carry operators, both count.
/// </param>
public sealed record Views(RecordState Base, RecordState Yours, RecordState Wanted, IReadOnlyList<string> Superseded)
{
    private static readonly TouchedPath Whole = new("", null);

    /// <summary>
    /// The views of <paramref name="op"/> on a record that is now <paramref name="current"/>.
    /// <paramref name="since"/> are all changes after the op's base revision, oldest first.
    /// </summary>
    public static Views Of(RecordState current, IReadOnlyList<Change> since, Op op, ViewRules rules)
    {
        var seen = since.Reverse().Aggregate(current, (state, change) => state.Undo(change));
        var own = InDeviceOrder(since.Where(rules.IsOwn));
        var place = op.N is null ? own.Count : PlaceOf(op.N, own);
        var earlier = own.Take(place).Aggregate(seen, rules.Overlay);
        var later = own.Skip(place).ToList();
        var patched = op.Replaces ? earlier with { Data = MergePatch.Apply(null, op.Patch) } : earlier.With(op.Kind, op.Patch, rules.Definition);
        var yours = later.Aggregate(patched, rules.Overlay);
        var touchedLater = later.SelectMany(change => TouchedBy(change, op, yours.Deleted)).ToList();
        var paths = PathSet.Of(touchedLater.Select(touched => touched.Path));
        var plain = PathSet.Of(touchedLater.Where(touched => touched.Operator is null).Select(touched => touched.Path));
        return new Views(
            later.Aggregate(earlier, rules.Overlay),
            yours,
            patched,
            [.. op.Touched()
                .Where(touched => (touched.Operator is null ? paths : plain).Meets(touched.Path))
                .Select(touched => touched.Path)]);
    }

    /// <summary>What a later own op did to what this one touches, for a record that the server held as <paramref name="theirs"/>.</summary>
    public List<Explanation> OwnLater(JsonObject? theirs, JsonObject? merged) =>
        [.. Superseded.Select(path => new Explanation(path, Explanation.OwnLater, JsonPointer.Find(Base.Data, path),
            JsonPointer.Find(theirs, path), JsonPointer.Find(Wanted.Data, path), JsonPointer.Find(merged, path)))];

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

    /// <summary>A delete touches everything, but leaves an edit alone where it was taken back; a restore touches no data.</summary>
    private static IEnumerable<TouchedPath> TouchedBy(Change change, Op op, bool endsDeleted) => (change.Kind, op.Kind) switch
    {
        (OpKind.Delete, OpKind.Update) => endsDeleted ? [Whole] : [],
        (OpKind.Delete, _) or (OpKind.Restore, not OpKind.Update) => [Whole],
        _ => change.Touched(),
    };
}

/// <summary>What makes the views of an op: the definition of its entity, and which changes are the device's own.</summary>
public sealed record ViewRules(EntityDefinition Definition, Func<Change, bool> IsOwn)
{
    /// <summary>The state with a change as its device sent it.</summary>
    public RecordState Overlay(RecordState state, Change change) => change.Sent is { } sent
        ? state.With(change.Kind, sent, Definition)
        : state.With(change.Kind, change.Patch ?? JsonObject.Empty, Plain);

    // A patch as it was applied holds no operators, only values; of a field of updates it is the whole set.
    private static readonly EntityDefinition Plain = new("");
}
