using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

// One class per table, one property per column; what the columns mean is said here and only here. Strings named Data,
// Patch, Sent and Before hold JSON text exactly as it goes over the wire.

/// <summary>A space and its counter; the row that writers of the space lock.</summary>
public sealed class SpaceRow
{
    public required Guid SpaceId { get; set; }

    /// <summary>The seq of the last committed change; 0 in a space without any.</summary>
    public long Head { get; set; }

    /// <summary>Tombstones with a seq up to this one are out of the feed. Only rises.</summary>
    public long TombstoneHorizon { get; set; }

    /// <summary>Changes with a seq up to this one are purged. Only rises, and never above the tombstone horizon.</summary>
    public long HistoryHorizon { get; set; }

    /// <summary>Null for a personal space.</summary>
    public string? Name { get; set; }

    /// <summary>True for the one space that a principal reaches as <c>me</c>.</summary>
    public bool Personal { get; set; }
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>The fingerprint of the definitions whose unique keys the space holds, all of them and no other; null of none.</summary>
    public string? UniqueRules { get; set; }

    /// <summary>
    /// What was counted in the space by entity (<see cref="Core.Push.Figures"/>), written in the transactions that it counts, so that it is
    /// exact after any restart.
    /// </summary>
    public required string Figures { get; set; }
}

/// <summary>Which personal space <c>me</c> is for a principal.</summary>
public sealed class AccountRow
{
    public required string Principal { get; set; }
    public required Guid SpaceId { get; set; }
}

/// <summary>A right in a space; no row, no right. The owner of a personal space has one too.</summary>
public sealed class MemberRow
{
    public required Guid SpaceId { get; set; }
    public required string Principal { get; set; }
    public Role Role { get; set; }
}

/// <summary>The latest state of a record, a tombstone included; the row stays for as long as its space.</summary>
public sealed class RecordRow
{
    public required Guid SpaceId { get; set; }
    public required string Entity { get; set; }
    public required string RecordId { get; set; }
    public long Rev { get; set; }

    /// <summary>The seq of the last change; null once the tombstone is purged out of the feed.</summary>
    public long? Seq { get; set; }
    public bool Deleted { get; set; }

    /// <summary>A tombstone keeps its last for a restore, until it is purged; null from then on.</summary>
    public string? Data { get; set; }

    /// <summary>Bytes of <see cref="Data"/> in UTF-8, by which pages are cut before it is read.</summary>
    public int DataBytes { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
    public required string UpdatedBy { get; set; }
    public required string OpId { get; set; }
}

/// <summary>One accepted change. Rows are only inserted, and deleted below the history horizon.</summary>
public sealed class ChangeRow
{
    public required Guid SpaceId { get; set; }
    public required long Seq { get; set; }
    public required string Entity { get; set; }
    public required string RecordId { get; set; }
    public long Rev { get; set; }
    public OpKind Kind { get; set; }
    public required string OpId { get; set; }
    public required string Principal { get; set; }

    /// <summary>Empty where the writer named no device.</summary>
    public required string Device { get; set; }

    /// <summary>The device's own counter; null where the op had none.</summary>
    public long? N { get; set; }
    public DateTimeOffset At { get; set; }

    /// <summary>Random; cursors at this seq carry it, so that another history of the database is noticed.</summary>
    public long Tag { get; set; }

    /// <summary>A merge patch without operators that leads from the state before to the state after; null for a delete.</summary>
    public string? Patch { get; set; }

    /// <summary>The patch as the client sent it; null where that is <see cref="Patch"/>.</summary>
    public string? Sent { get; set; }

    /// <summary>A merge patch that undoes the change; null for a create.</summary>
    public string? Before { get; set; }

    /// <summary>Bytes of <see cref="Patch"/>, <see cref="Sent"/> and <see cref="Before"/> in UTF-8, by which reads are cut before they are read.</summary>
    public int Bytes { get; set; }

    /// <summary>
    /// Where <see cref="Rev"/> is 2, the seq of the change that made revision 1; null of all others, where the first change was
    /// purged before there was the column, and where a server from before it wrote the row.
    /// </summary>
    public long? FirstSeq { get; set; }
}

/// <summary>What was decided about an op, stored with its effect; a repeat is answered from here.</summary>
public sealed class OutcomeRow
{
    public required Guid SpaceId { get; set; }
    public required string Principal { get; set; }
    public required string OpId { get; set; }
    public required byte[] Fingerprint { get; set; }
    public OutcomeState State { get; set; }

    /// <summary>The HTTP status of the first answer, and so of every repeat.</summary>
    public short Status { get; set; }
    public long? Rev { get; set; }

    /// <summary>Set while and after the op was parked.</summary>
    public string? ConflictId { get; set; }

    /// <summary>Set when the op's conflict is resolved: 0 where it was resolved against the op (<c>theirs</c>).</summary>
    public short? Choice { get; set; }
    public string? Etag { get; set; }
    public string? Location { get; set; }

    /// <summary>The bytes of the first answer; null once past the retention of outcomes.</summary>
    public byte[]? Body { get; set; }

    /// <summary>Null where the request was not about a record.</summary>
    public string? Entity { get; set; }
    public DateTimeOffset DecidedAt { get; set; }
}

/// <summary>The index of a conflict; its content is the <c>$conflict</c> record of the same id.</summary>
public sealed class ConflictRow
{
    public required Guid SpaceId { get; set; }
    public required string ConflictId { get; set; }
    public required string Entity { get; set; }
    public required string RecordId { get; set; }

    /// <summary>Whose op was parked.</summary>
    public required string Principal { get; set; }
    public required string Device { get; set; }

    /// <summary>1 while it is open, 2 once it is resolved.</summary>
    public short State { get; set; }
    public DateTimeOffset OpenedAt { get; set; }
    public DateTimeOffset? ResolvedAt { get; set; }
}

/// <summary>An accepted op of a device that changed nothing, on which the device's next ops build.</summary>
public sealed class UnchangedOpRow
{
    public required Guid SpaceId { get; set; }
    public required string Entity { get; set; }
    public required string RecordId { get; set; }

    /// <summary>The revision that the op met.</summary>
    public long Rev { get; set; }
    public required string Principal { get; set; }
    public required string OpId { get; set; }
    public required string Device { get; set; }
    public long? N { get; set; }
    public DateTimeOffset At { get; set; }

    /// <summary>The patch as the device sent it.</summary>
    public required string Sent { get; set; }

    /// <summary>How it was merged, as it was answered; null where it was applied as sent and all of it was there already.</summary>
    public string? Merge { get; set; }

    /// <summary>Of both; null of rows that are older than the column.</summary>
    public int? Bytes { get; set; }
}

public sealed class UniqueKeyRow
{
    public required Guid SpaceId { get; set; }
    public required string Entity { get; set; }

    /// <summary>The name of the rule, which its fields make.</summary>
    public required string Rule { get; set; }

    /// <summary>SHA-256 over the values, as hex.</summary>
    public required string Hash { get; set; }

    /// <summary>
    /// 0: the key lets nobody else have the values. Above it the seq of a record that shared them already when the rule was
    /// declared.
    /// </summary>
    public long Duplicate { get; set; }

    /// <summary>The live record that has the values.</summary>
    public required string RecordId { get; set; }
}

/// <summary>The one row that says which history of the database this is.</summary>
public sealed class ServerRow
{
    /// <summary>The id of the only row.</summary>
    public const short OnlyId = 1;

    public required short Id { get; set; }

    /// <summary>A random 128-bit id in lower-case hex; another one begins when a backup is restored.</summary>
    public required string Epoch { get; set; }

    /// <summary>PostgreSQL's own name of the cluster that the epoch is of; null where it does not tell.</summary>
    public string? SystemIdentifier { get; set; }

    /// <summary>PostgreSQL's timeline that the epoch is of; null where it does not tell.</summary>
    public int? Timeline { get; set; }

    /// <summary>The oid of this table in the database that the epoch is of; null until a server has noted it.</summary>
    public long? TableOid { get; set; }

    /// <summary>32 random bytes; the key that authenticates cursors.</summary>
    public required byte[] CursorKey { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
}
