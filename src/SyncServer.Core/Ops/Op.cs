using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Ops;

/// <summary>What an op does to its record; the numbers are stored.</summary>
public enum OpKind
{
    /// <summary>Makes the record; its id must be new.</summary>
    Create = 1,

    /// <summary>Patches the record, or replaces its data over plain HTTP.</summary>
    Update = 2,

    /// <summary>Leaves a tombstone.</summary>
    Delete = 3,

    /// <summary>Brings a tombstone back with its last data.</summary>
    Restore = 4,
}

/// <summary>One write of the user's intent, well-formed and not yet decided (protocol 3.1).</summary>
public sealed record Op
{
    /// <summary>The idempotency key, unique per principal and space.</summary>
    public required string OpId { get; init; }

    /// <summary>The record.</summary>
    public required RecordKey Key { get; init; }

    /// <summary>What it does.</summary>
    public required OpKind Kind { get; init; }

    /// <summary>SHA-256 over what makes the request the same request (protocol 3.3).</summary>
    public required ReadOnlyMemory<byte> Fingerprint { get; init; }

    /// <summary>The revision that the user saw, or null where the client did not say.</summary>
    public long? BaseRev { get; init; }

    /// <summary>The patch of a create or an update; empty on a delete or a restore.</summary>
    public JsonObject Patch { get; init; } = JsonObject.Empty;

    /// <summary>Whether <see cref="Patch"/> is the whole new data (<c>PUT</c>) and not a merge patch.</summary>
    public bool Replaces { get; init; }

    /// <summary>A counter that rises with every op of the device, or null.</summary>
    public long? N { get; init; }

    /// <summary>Op ids that must be applied first.</summary>
    public IReadOnlyList<string> DependsOn { get; init; } = [];

    /// <summary>A precondition makes the op strict.</summary>
    public Precondition? Precondition { get; init; }

    /// <summary>Whether it came by the plain HTTP routes, whose writes are strict: the client holds the state it edits.</summary>
    public bool IsPlainHttp { get; init; }

    /// <summary>Never merged, parked or joined to a conflict: applied to exactly the expected state, or refused.</summary>
    public bool IsStrict => Precondition is not null || IsPlainHttp;

    /// <summary>Pointers of what the op touches; a delete and a restore touch the whole record.</summary>
    public IReadOnlyList<TouchedPath> Touched() => Kind is OpKind.Delete or OpKind.Restore
        ? [new TouchedPath("", null)]
        : Replaces
            ? [.. MergePatch.Touched(Patch).Select(path => new TouchedPath(path, null))]
            : [.. Intent.Touched(Patch)];
}

/// <summary>If-Match or If-None-Match of a write (RFC 9110, 13.1), with strong comparison.</summary>
/// <param name="MustExist">If-Match; false is <c>If-None-Match: *</c>.</param>
/// <param name="Revs">The revisions of If-Match; null is <c>*</c>.</param>
public sealed record Precondition(bool MustExist, IReadOnlyList<long>? Revs)
{
    /// <summary><c>If-None-Match: *</c>: the id must be new.</summary>
    public static readonly Precondition NotExists = new(false, null);

    /// <summary><c>If-Match</c> of one revision.</summary>
    public static Precondition Exactly(long rev) => new(true, [rev]);

    /// <summary>Whether it holds. A tombstone has a revision and an ETag, but is no representation that <c>*</c> could match.</summary>
    public bool Holds(long? rev, bool deleted) => (MustExist, Revs) switch
    {
        (false, _) => rev is null,
        (true, null) => rev is not null && !deleted,
        (true, { } revs) => rev is { } current && revs.Contains(current),
    };

    /// <summary>One form for fingerprints.</summary>
    public override string ToString() => !MustExist ? "none" : Revs is null ? "*" : string.Join(',', Revs.Order());
}
