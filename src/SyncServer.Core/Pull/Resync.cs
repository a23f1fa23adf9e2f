namespace SyncServer.Core.Pull;

/// <summary>Why a device has to pull from the start (protocol 5).</summary>
public enum ResyncReason
{
    /// <summary>The cursor lies below the tombstone horizon: deletes after it are no longer known.</summary>
    Expired,

    /// <summary>The entity filter is another than the cursor's.</summary>
    Filter,

    /// <summary>The database has another history than the cursor.</summary>
    Epoch,

    /// <summary>The cursor stands at a change that the database does not have: it was restored.</summary>
    Ahead,
}

/// <summary>What the space looks like from a cursor, all from one snapshot.</summary>
/// <param name="Epoch">The digest of the database's epoch.</param>
/// <param name="Head">The seq of the last change.</param>
/// <param name="Horizon">The tombstone horizon.</param>
/// <param name="TagAtPosition">The tag of the change at the cursor's position, or null where there is none.</param>
/// <param name="Filter">The digest of the filter that the request asks for.</param>
public readonly record struct PullView(long Epoch, long Head, long Horizon, long? TagAtPosition, long Filter);

/// <summary>Whether a cursor still holds.</summary>
public static class Resync
{
    /// <summary>The reason why not, or null.</summary>
    public static ResyncReason? Check(Cursor cursor, PullView view)
    {
        if (cursor.Epoch != view.Epoch)
        {
            return ResyncReason.Epoch;
        }

        if (cursor.Position > view.Head)
        {
            return ResyncReason.Ahead;
        }

        // During a first pull what counts is its start: tombstones below it were never going to be told.
        if (Math.Max(cursor.Position, cursor.Floor) < view.Horizon)
        {
            return ResyncReason.Expired;
        }

        // History is never purged above the tombstone horizon, so above it a missing tag is a lost change. At it, the change may be purged.
        if (cursor.Position > 0 && view.TagAtPosition != cursor.Tag && (cursor.Position > view.Horizon || view.TagAtPosition is not null))
        {
            return ResyncReason.Ahead;
        }

        return cursor.Filter == view.Filter ? null : ResyncReason.Filter;
    }
}
