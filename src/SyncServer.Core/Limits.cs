using System.ComponentModel.DataAnnotations;

namespace SyncServer.Core;

/// <summary>
/// Every bound of the protocol, with its reason. The instance members are operators' choices (<c>Sync:*</c>) and
/// are published by <c>/v1/session</c>; the constants are part of the contract.
/// </summary>
public sealed record Limits
{
    /// <summary>Characters of an Idempotency-Key or opId: room for any identifier scheme, short enough for an index key.</summary>
    public const int KeyLength = 255;

    /// <summary>Characters of a record id: a UUID with prefixes, short enough for every index that carries it.</summary>
    public const int RecordIdLength = 128;

    /// <summary>Characters of an entity name.</summary>
    public const int EntityLength = 64;

    /// <summary>
    /// Entities of a space, those without live records included: apps have tens. What was counted of each stands in the row of
    /// the space, which every push reads and writes; at this many it has some 60 KiB, and a push costs PostgreSQL a millisecond more.
    /// </summary>
    public const int EntitiesPerSpace = 1_000;

    /// <summary>Characters of a Sync-Device; longer ones are a client's mistake, not a device.</summary>
    public const int DeviceLength = 128;

    /// <summary>Characters of a principal: the usual bound of a JWT <c>sub</c>.</summary>
    public const int PrincipalLength = 255;

    /// <summary>Characters of a space's name.</summary>
    public const int SpaceNameLength = 200;

    /// <summary>Nesting of a body. Deeper documents are attacks or mistakes, and recursion stays shallow.</summary>
    public const int JsonDepth = 64;

    /// <summary>Characters of a number token: more than any double or 64-bit integer needs.</summary>
    public const int NumberLength = 32;

    /// <summary>The largest integer that every JSON reader keeps exactly (RFC 8259, 6): bounds <c>baseRev</c> and <c>n</c>.</summary>
    public const long MaxSafeInteger = 9_007_199_254_740_991;

    /// <summary>Changes between baseRev and now that a merge reads; beyond it the op is parked, never guessed.</summary>
    public const int MergeChanges = 1_000;

    /// <summary>
    /// Revisions of a record among which an op without baseRev looks for later ones of its device. Each costs a look-up, for
    /// every increment of a busy counter too, and an op is overtaken by those sent with it, not by hundreds of others.
    /// </summary>
    public const int LateChanges = 100;

    /// <summary>
    /// Changes since baseRev, or later own ones, times bytes of the record: what is copied to find out what a device saw, about
    /// a third of a second at most. Beyond it the op is parked, never guessed.
    /// </summary>
    public const long MergeWork = 64L * 1024 * 1024;

    /// <summary>
    /// Bytes of changes that one push reads for its merges, of one record or of all together: as much as the largest
    /// conflict twice, and little enough to be held under a space's lock. Beyond it an op is parked, never guessed.
    /// </summary>
    public const int MergeBytes = 8 * 1024 * 1024;

    /// <summary>Updates of one CRDT field; a client compacts long before.</summary>
    public const int CrdtUpdates = 10_000;

    /// <summary>Ids in one <c>dependsOn</c>: a form saved offline depends on a handful of ops, not on hundreds.</summary>
    public const int Dependencies = 100;

    /// <summary>Entities in one pull's filter: apps have tens of entities; the filter is part of every cursor.</summary>
    public const int FilterEntities = 100;

    /// <summary>What no setting may exceed: lists of this length are still held in memory and sent in one statement.</summary>
    private const int MostItems = 100_000;

    /// <summary>What no setting may exceed: a body of this size is held in memory several times over while it is decided.</summary>
    private const int MostBytes = 256 * 1024 * 1024;

    /// <summary>Ops in one batch. A round of an outbox after a day offline; one transaction stays short.</summary>
    [Range(1, MostItems)]
    public int PushBatchMax { get; init; } = 500;

    /// <summary>Bytes of one push after decompression: a batch of large notes, held in memory while it is decided.</summary>
    [Range(1, MostBytes)]
    public int PushBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// Bytes of the outcomes of one push, after which its other ops wait for the next one: many small edits of a large
    /// record answer with that record each time, and all of it is held in memory and stored.
    /// </summary>
    [Range(1, MostBytes)]
    public int PushAnswerBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>Changes in one page of a pull.</summary>
    [Range(1, MostItems)]
    public int PullPageMax { get; init; } = 1_000;

    /// <summary>Changes in a page when the client does not say.</summary>
    [Range(1, MostItems)]
    public int PullPageDefault { get; init; } = 100;

    /// <summary>Bytes of one page of a pull: what a phone parses without noticing. Only a single change may exceed it.</summary>
    [Range(1, MostBytes)]
    public int PullBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Bytes of a record's merged data.</summary>
    [Range(1, MostBytes)]
    public int RecordBytesMax { get; init; } = 256 * 1024;

    /// <summary>Open conflicts on one record, over all devices; more mean a client that repeats a mistake.</summary>
    [Range(1, MostItems)]
    public int OpenConflictsPerRecord { get; init; } = 100;

    /// <summary>Ops that may join one conflict: every push that adds to it writes it again.</summary>
    [Range(1, MostItems)]
    public int OpsPerConflict { get; init; } = 200;

    /// <summary>Bytes of one conflict with all its ops, for the same reason.</summary>
    [Range(1, MostBytes)]
    public int ConflictBytesMax { get; init; } = 1024 * 1024;

    /// <summary>The bound of CRDT fields, as it is published; operators cannot change it, because stored fields would break it.</summary>
    public int CrdtUpdatesMax => CrdtUpdates;

    /// <summary>Ids in one manifest.</summary>
    [Range(1, MostItems)]
    public int ManifestMax { get; init; } = 1_000;

    /// <summary>
    /// Seconds that <c>Prefer: wait</c> may ask for: less than the minute after which most proxies give up on an answer
    /// that has not begun.
    /// </summary>
    [Range(1, 60 * 60)]
    public int PullWaitSecondsMax { get; init; } = 50;

    /// <summary>
    /// Streams and waits that one principal holds open at one server: some devices with one for each of their spaces. An idle
    /// one costs a connection and some kilobytes.
    /// </summary>
    [Range(1, MostItems)]
    public int LivePerPrincipal { get; init; } = 64;
}
