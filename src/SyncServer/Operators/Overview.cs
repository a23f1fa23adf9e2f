using System.Text.Json.Serialization;

namespace SyncServer.Operators;

/// <summary>Figures of the whole server, or of one space. All come from tables, so that they are exact after any restart.</summary>
/// <param name="Epoch">The history of the database.</param>
/// <param name="Version">The server's version.</param>
/// <param name="ServerTime">The server's clock, RFC 3339 in UTC.</param>
internal sealed record Overview(string Epoch, string Version, string ServerTime)
{
    /// <summary>Spaces, personal ones included.</summary>
    public required long Spaces { get; init; }

    /// <summary>Records of apps that are not deleted; the server's own are not among them.</summary>
    public required long Records { get; init; }

    /// <summary>Accepted changes of the spaces there are, purged ones and those of the server's own records included.</summary>
    public required long Changes { get; init; }

    /// <summary>What became of idempotency keys.</summary>
    public required IdempotencyFigures Idempotency { get; init; }

    /// <summary>What is past its retention and gone.</summary>
    public required RetentionFigures Retention { get; init; }

    /// <summary>What became of ops that met what others did.</summary>
    public required ConflictFigures Conflicts { get; init; }
}

/// <summary>Idempotency keys.</summary>
/// <param name="StoredKeys">Keys with a stored outcome.</param>
/// <param name="Replays">Repeats that were answered from the stored outcome.</param>
/// <param name="ReusedKeys">Keys that came again with another request and were refused.</param>
internal sealed record IdempotencyFigures(long StoredKeys, long Replays, long ReusedKeys);

/// <summary>What was purged.</summary>
/// <param name="PurgedChanges">Changes that are no longer in the log.</param>
internal sealed record RetentionFigures(long PurgedChanges)
{
    /// <summary>Cursors below it start anew. Of one space only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? TombstoneHorizon { get; init; }

    /// <summary>Changes up to it are purged. Of one space only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public required long? HistoryHorizon { get; init; }
}

/// <summary>Conflicts and merges.</summary>
/// <param name="Parked">Ops that were parked, those that joined an open conflict included.</param>
/// <param name="Open">Conflicts that wait for somebody.</param>
/// <param name="Resolved">Conflicts that were resolved.</param>
/// <param name="Merged">Ops that were merged.</param>
internal record ConflictCounts(long Parked, long Open, long Resolved, long Merged);

/// <summary>The sums, and each entity's part in them.</summary>
internal sealed record ConflictFigures(long Parked, long Open, long Resolved, long Merged)
    : ConflictCounts(Parked, Open, Resolved, Merged)
{
    /// <summary>By entity; with all that was decided about its ops.</summary>
    public required IReadOnlyDictionary<string, EntityFigures> ByEntity { get; init; }
}

/// <summary>One entity.</summary>
/// <param name="Applied">Ops that were applied as sent.</param>
/// <param name="Refused">Ops with a stored refusal that is no conflict.</param>
/// <param name="Records">Records that are not deleted.</param>
internal sealed record EntityFigures(long Parked, long Open, long Resolved, long Merged, long Applied, long Refused, long Records)
    : ConflictCounts(Parked, Open, Resolved, Merged);
