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
        var (earlier, later) = rules.Device.Advance(current, since, op.N, rules) is { } state ? (state, []) : Sorted(current, since, op.N, rules);
        var patched = op.Replaces ? earlier with { Data = MergePatch.Apply(null, op.Patch) } : earlier.With(op.Kind, rules.Sent(op.Patch));
        var yours = later.Aggregate(patched, rules.Overlay);
        return new Views(later.Aggregate(earlier, rules.Overlay), yours, patched, SupersededBy(later, op, yours.Deleted).Paths);
    }

    /// <summary>What the op touches and a later own op touches too, and the places there that later own ops set.</summary>
    private static (IReadOnlyList<string> Paths, PathSet Plain) SupersededBy(IReadOnlyList<Change> later, Op op, bool endsDeleted)
    {
        if (later.Count == 0)
        {
            return ([], PathSet.Empty);
        }

        // Only what meets the op is kept: the later ops may touch a hundred thousand places.
        var touchedByOp = op.Touched();
        var met = PathSet.Of(touchedByOp.Select(touched => touched.Path));
        var touchedLater = later.SelectMany(change => TouchedBy(change, op, endsDeleted)).Where(touched => met.Meets(touched.Path)).ToList();
        var paths = PathSet.Of(touchedLater.Select(touched => touched.Path));
        var plain = PathSet.Of(touchedLater.Where(touched => touched.Operator is null).Select(touched => touched.Path));
        return ([.. touchedByOp
            .Where(touched => (touched.Operator is null ? paths : plain).Meets(touched.Path))
            .Select(touched => touched.Path)], plain);
    }

    /// <summary>
    /// The views of an op that does not say what its user saw: its base is the record as it is, and <paramref name="later"/>,
    /// the own changes with larger counters, keep what they touch. Where those carry operators they are done once more, to
    /// what the op sets.
    /// </summary>
    public static Views WithoutBase(RecordState current, IReadOnlyList<Change> later, Op op, ViewRules rules)
    {
        var wanted = current.With(op.Kind, rules.Sent(op.Patch));
        if (later.Count == 0)
        {
            return new Views(current, wanted, wanted, []);
        }

        var ends = later.LastOrDefault(change => change.Kind is OpKind.Delete or OpKind.Restore)?.Kind;
        var deleted = ends is null ? current.Deleted : ends == OpKind.Delete;
        var (superseded, plain) = SupersededBy(later, op, deleted);
        var set = superseded.ToHashSet(StringComparer.Ordinal);
        var operated = later.Aggregate(wanted, rules.Overlay).Data;
        var left = Intent.Rewritten(op.Patch, (path, value) =>
            !set.Contains(path) ? value : plain.Meets(path) ? null : JsonPointer.Find(operated, path) ?? JsonLiteral.Null);
        var yours = current.With(op.Kind, rules.Sent(left)) with { Deleted = deleted };
        return new Views(current, yours, wanted with { Deleted = ends is null && current.Deleted }, superseded);
    }

    /// <summary>
    /// Bytes that going over the changes once for the op takes, on a record of <paramref name="bytes"/>: a copy of the record
    /// with the op for each of them, and what they touch.
    /// </summary>
    public static long WorkOf(IReadOnlyList<Change> changes, Op op, int bytes)
    {
        // A path is built, looked up and merged: per byte, many times what a copy takes. At eight times, all that a push may
        // load is what it may spend.
        const int Touched = 8;
        return changes.Count == 0
            ? 0
            : changes.Count * ((long)bytes + op.Patch.ToUtf8().Length)
                + Touched * changes.Sum(change => (long)((change.Sent ?? change.Patch)?.ToUtf8().Length ?? 0));
    }

    /// <summary>What a later own op did to what this one touches, for a record that the server held as <paramref name="theirs"/>.</summary>
    public List<Explanation> OwnLater(JsonObject? theirs, JsonObject? merged) =>
        [.. Superseded.Select(path => new Explanation(path, Explanation.OwnLater, JsonPointer.Find(Base.Data, path),
            JsonPointer.Find(theirs, path), JsonPointer.Find(Wanted.Data, path), JsonPointer.Find(merged, path)))];

    private static (RecordState Earlier, List<Change> Later) Sorted(
        RecordState current, IReadOnlyList<Change> since, long? n, ViewRules rules)
    {
        var own = InDeviceOrder(since.Where(rules.IsOwn));
        var place = PlaceOf(n, own);
        return (own.Take(place).Aggregate(DeviceState.Before(current, since), rules.Overlay), [.. own.Skip(place)]);
    }

    /// <summary>Own changes sorted by their counter; those without one keep their place by arrival.</summary>
    internal static List<Change> InDeviceOrder(IEnumerable<Change> arrivals)
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

/// <summary>What makes the views of an op: the definition of its entity, which changes are the device's own, and where it stands.</summary>
public sealed record ViewRules(EntityDefinition Definition, Func<Change, bool> IsOwn, DeviceState Device)
{
    /// <summary>An edit as a device sends it.</summary>
    public Func<JsonObject?, JsonObject> Sent(JsonObject patch) => data => Intent.Apply(data, patch, Definition);

    /// <summary>
    /// The state with a change as its device sent it. A patch as it was applied holds values only: what looks like an
    /// operator in it is data that a PUT brought.
    /// </summary>
    public RecordState Overlay(RecordState state, Change change) => state.With(change.Kind, change.Sent is { } sent
        ? Sent(sent)
        : data => MergePatch.Apply(data, change.Patch ?? JsonObject.Empty));
}

/// <summary>
/// What one device holds of one record, from one base revision on. It goes on with every own change that comes in the
/// device's order, so that a queue of ops costs each of them its own change and not all before it. Behind one that came late
/// it is worked out anew, once.
/// </summary>
public sealed class DeviceState
{
    private RecordState? _state;
    private int _counted;
    private long? _lastN;

    /// <summary>Bytes that are gone over to find out what the device held when it made the op, on a record of <paramref name="bytes"/>.</summary>
    public long WorkOf(IReadOnlyList<Change> since, Op op, int bytes, ViewRules rules)
    {
        var (isInOrder, lastN) = OrderOf(since, rules);
        if (lastN > op.N)
        {
            // All changes are undone, and the own ones done again: before the op, and behind it.
            return 2 * Views.WorkOf(since, op, bytes);
        }

        var copies = isInOrder && _state is not null ? since.Count - _counted
            : isInOrder && IsCurrent(since, rules) ? 0
            : since.Count;
        return (long)copies * bytes;
    }

    /// <summary>The record before all of <paramref name="since"/>.</summary>
    public static RecordState Before(RecordState current, IReadOnlyList<Change> since) =>
        since.Reverse().Aggregate(current, (state, change) => state.Undo(change));

    /// <summary>
    /// The state with all own changes in the device's order, where the op with <paramref name="n"/> goes behind them; null
    /// otherwise. <paramref name="since"/> only grows from call to call.
    /// </summary>
    public RecordState? Advance(RecordState current, IReadOnlyList<Change> since, long? n, ViewRules rules)
    {
        var (isInOrder, lastN) = OrderOf(since, rules);
        if (lastN > n)
        {
            return null;
        }

        var state = isInOrder && _state is { } known ? since.Skip(_counted).Where(rules.IsOwn).Aggregate(known, rules.Overlay)
            : isInOrder && IsCurrent(since, rules) ? current
            : Views.InDeviceOrder(since.Where(rules.IsOwn)).Aggregate(Before(current, since), rules.Overlay);
        (_state, _counted, _lastN) = (state, since.Count, lastN);
        return state;
    }

    /// <summary>Whether the changes that are not counted yet came in the device's order, and the counter at its end with them.</summary>
    private (bool IsInOrder, long? LastN) OrderOf(IReadOnlyList<Change> since, ViewRules rules)
    {
        var (isInOrder, lastN) = (true, _lastN);
        foreach (var change in since.Skip(_counted).Where(rules.IsOwn))
        {
            var isLate = lastN > change.N;
            isInOrder &= !isLate;
            lastN = isLate ? lastN : change.N;
        }

        return (isInOrder, lastN);
    }

    /// <summary>Own changes that were applied as they were sent, and nothing else: the device holds what the server holds.</summary>
    private static bool IsCurrent(IReadOnlyList<Change> since, ViewRules rules) =>
        since.All(change => rules.IsOwn(change) && change.Sent is null);
}
