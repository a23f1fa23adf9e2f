namespace SyncServer.Storage;

/// <summary>From what it follows that a database was restored.</summary>
internal enum RewindSign
{
    /// <summary>Another cluster: restored from a dump, moved, or upgraded with <c>pg_upgrade</c>.</summary>
    Cluster,

    /// <summary>Another timeline: recovered from an archive, or a standby was promoted, with or without what was acknowledged last.</summary>
    Timeline,

    /// <summary>The table of the epoch was made anew: restored from a dump, into whichever cluster.</summary>
    Table,

    /// <summary>The write-ahead log is shorter than this process saw it, on the same timeline.</summary>
    Log,

    /// <summary>An epoch is back that this process saw end.</summary>
    Epoch,

    /// <summary>A device holds a cursor that this database issued, at a change that it does not have.</summary>
    Cursor,
}

/// <summary>Whether a database was restored, as far as one server can know. Pure.</summary>
internal static class Rewinds
{
    /// <summary>
    /// The sign in <paramref name="now"/>, or null: then nothing speaks for a restore, which proves nothing, because a copy of
    /// the files that is put back has the marks that it had.
    /// </summary>
    /// <param name="now">A look at a database that is no standby.</param>
    /// <param name="before">The look of this process that was over before that one began; null for the first.</param>
    /// <param name="over">The epochs that this process saw end.</param>
    /// <param name="perTimeline">Whether another timeline counts.</param>
    public static RewindSign? SignOf(Sighting now, Sighting? before, IReadOnlySet<string> over, bool perTimeline)
    {
        if (Differ(now.Noted.SystemIdentifier, now.Found.SystemIdentifier))
        {
            return RewindSign.Cluster;
        }

        if (perTimeline && Differ(now.Noted.Timeline, now.Found.Timeline))
        {
            return RewindSign.Timeline;
        }

        if (Differ(now.Noted.Table, now.Found.Table))
        {
            return RewindSign.Table;
        }

        if (over.Contains(now.History.Epoch))
        {
            return RewindSign.Epoch;
        }

        // Where the epoch is another one, somebody else has noticed already. Where the timeline is not told, a standby that was
        // promoted without any loss may have a shorter log too.
        return before is not null && IsSame(now, before) && now.Found.Timeline is not null && now.Flushed < before.Flushed
            ? RewindSign.Log
            : null;
    }

    /// <summary>
    /// Whether two looks at once say the same of the database, and <paramref name="now"/> with no shorter log: then it does not matter
    /// which of them was first.
    /// </summary>
    public static bool Continues(Sighting now, Sighting? other) =>
        other is not null && IsSame(now, other) && !(now.Flushed < other.Flushed);

    private static bool IsSame(Sighting one, Sighting other) => one.History.Epoch == other.History.Epoch && one.Found == other.Found;

    private static bool Differ<T>(T noted, T found) => noted is not null && found is not null && !noted.Equals(found);
}
