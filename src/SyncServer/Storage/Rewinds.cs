namespace SyncServer.Storage;

/// <summary>From what it follows that a database was restored.</summary>
internal enum RewindSign
{
    /// <summary>Another cluster: restored from a dump, moved, or upgraded with <c>pg_upgrade</c>.</summary>
    Cluster,

    /// <summary>Another timeline: recovered from an archive, or a standby was promoted, with or without what was acknowledged last.</summary>
    Timeline,

    /// <summary>The write-ahead log is shorter than this process saw it.</summary>
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
    /// <param name="before">The look of this process before that; null for the first.</param>
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

        if (over.Contains(now.History.Epoch))
        {
            return RewindSign.Epoch;
        }

        // Where the epoch is another one, somebody else has noticed already.
        return before is not null && now.History.Epoch == before.History.Epoch && now.Found == before.Found && now.Flushed < before.Flushed
            ? RewindSign.Log
            : null;
    }

    private static bool Differ<T>(T noted, T found) => noted is not null && found is not null && !noted.Equals(found);
}
