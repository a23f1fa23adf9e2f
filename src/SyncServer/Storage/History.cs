using SyncServer.Core.Pull;

namespace SyncServer.Storage;

/// <summary>One history of the database.</summary>
/// <param name="Epoch">What cursors, sessions and pages name: 32 lower-case hex digits.</param>
/// <param name="CursorKey">
/// Authenticates cursors: 32 bytes, a secret. It outlives the epoch, so that a cursor of another one is known for what it is.
/// </param>
public sealed record History(string Epoch, ReadOnlyMemory<byte> CursorKey)
{
    /// <summary>What stands for the epoch in cursors.</summary>
    public long EpochDigest { get; } = Cursor.DigestOf(Epoch);
}

/// <summary>What PostgreSQL says of itself that another history may change. Null where it does not tell.</summary>
/// <param name="SystemIdentifier">The cluster: initdb makes it up, and a copy of the files keeps it.</param>
/// <param name="Timeline">Rises where a recovery from an archive ends and where a standby is promoted.</param>
internal readonly record struct HistoryMarks(string? SystemIdentifier, int? Timeline)
{
    /// <summary>The oid of the table <c>server</c>: whoever restores a dump makes the table anew. It is always told.</summary>
    public long? Table { get; init; }
}

/// <summary>One look at the database.</summary>
/// <param name="History">The history that its row names.</param>
/// <param name="Noted">The marks in that row: those under which the epoch was begun.</param>
/// <param name="Found">The marks as they are.</param>
internal sealed record Sighting(History History, HistoryMarks Noted, HistoryMarks Found)
{
    /// <summary>Bytes of the write-ahead log that are on disk. They never become fewer while the marks stay, a crash included.</summary>
    public long? Flushed { get; init; }

    /// <summary>A standby, or a recovery that is not at its end: it cannot be written, and lags behind what others saw.</summary>
    public bool InRecovery { get; init; }
}
