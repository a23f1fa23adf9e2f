namespace SyncServer.Core.Retention;

/// <summary>
/// The two horizons of a space. Both only rise. The log begins behind <paramref name="History"/>, which stays below
/// <paramref name="Tombstones"/> once it is above 0: so the change at every position from the tombstone horizon on is in the
/// log, and the tag of every cursor that is not expired can be checked.
/// </summary>
/// <param name="Tombstones">Cursors below it have missed a delete that is no longer told, or stand where the log is gone.</param>
/// <param name="History">Changes up to it are purged.</param>
public readonly record struct Horizons(long Tombstones, long History);

/// <summary>Something that happened in a space: where in its order, and when.</summary>
public readonly record struct Moment(long Seq, DateTimeOffset At);

/// <summary>The old end of a space, as it is under its lock.</summary>
/// <param name="Horizons">Where the horizons stand.</param>
/// <param name="Tombstones">The first tombstones that are still in the feed, in the order of seq.</param>
/// <param name="Log">The first changes that are still in the log, in the order of seq.</param>
/// <param name="Limit">How many of each were read at most; where there are fewer, there are no more.</param>
public sealed record OldEnd(Horizons Horizons, IReadOnlyList<Moment> Tombstones, IReadOnlyList<Moment> Log, int Limit);

/// <summary>What one step takes out of a space (protocol 1 and 5).</summary>
/// <param name="Horizons">Where the horizons stand afterwards.</param>
/// <param name="TombstonesTo">Tombstones up to this seq leave the feed; null for none.</param>
/// <param name="HistoryTo">Changes up to this seq are deleted; null for none.</param>
/// <param name="MayGoOn">Whether another step may find more; after an empty one never.</param>
public sealed record LogPurge(Horizons Horizons, long? TombstonesTo, long? HistoryTo, bool MayGoOn)
{
    /// <summary>Whether nothing is to be done.</summary>
    public bool IsEmpty => TombstonesTo is null && HistoryTo is null;

    /// <summary>
    /// The step. Time counts only at the old end, in the order of seq, so a clock that once went back makes what lies behind
    /// it wait and never lets anything go early.
    /// </summary>
    public static LogPurge Of(OldEnd end, Cutoffs cutoffs)
    {
        var tombstones = end.Tombstones.TakeWhile(tombstone => tombstone.At <= cutoffs.Tombstones).ToList();
        var old = end.Log.TakeWhile(change => change.At <= cutoffs.History).ToList();

        // The tombstone horizon follows the tombstones that are purged and no clock: who missed none of them has missed nothing,
        // however long they were away.
        long? tombstonesTo = tombstones.Count == 0 ? null : tombstones[^1].Seq;
        var historyTo = LogEndsAt(old, FirstTombstoneLeft(end, tombstones.Count));
        var horizons = new Horizons(
            Math.Max(end.Horizons.Tombstones, Math.Max(tombstonesTo ?? 0, historyTo + 1 ?? 0)),
            historyTo ?? end.Horizons.History);
        return new LogPurge(horizons, tombstonesTo, historyTo,
            MayGoOn: (tombstonesTo ?? historyTo) is not null && (tombstones.Count == end.Limit || old.Count == end.Limit));
    }

    /// <summary>
    /// The youngest of the old changes stays. Until the next change came, every device that pulled got a cursor there, and that
    /// may have been a moment ago: in a space that lies still, at its head, it is today. Those below it pulled for the last
    /// time before it, and so before the cutoff.
    /// </summary>
    private static long? LogEndsAt(List<Moment> old, long firstTombstoneLeft)
    {
        // A tombstone that is still in the feed keeps the log from its own change on, so that the horizons move in one order.
        var last = old.FindLastIndex(change => change.Seq <= firstTombstoneLeft);
        return last < 1 ? null : old[last - 1].Seq;
    }

    /// <summary>The seq below which no tombstone is in the feed after the step, as far as was read.</summary>
    private static long FirstTombstoneLeft(OldEnd end, int purged) => purged < end.Tombstones.Count
        ? end.Tombstones[purged].Seq
        : purged == end.Limit ? end.Tombstones[^1].Seq + 1 : long.MaxValue;
}
