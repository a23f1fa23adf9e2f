using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Records;

/// <summary>One accepted write, in the append-only log of its space.</summary>
public sealed record Change
{
    /// <summary>The position in the space.</summary>
    public required long Seq { get; init; }

    /// <summary>The record.</summary>
    public required RecordKey Key { get; init; }

    /// <summary>The revision that it made.</summary>
    public required long Rev { get; init; }

    /// <summary>What it did.</summary>
    public required OpKind Kind { get; init; }

    /// <summary>The op behind it.</summary>
    public required string OpId { get; init; }

    /// <summary>Who.</summary>
    public required string Principal { get; init; }

    /// <summary>On which device; empty where the client did not say.</summary>
    public required string Device { get; init; }

    /// <summary>The device's counter, or null.</summary>
    public required long? N { get; init; }

    /// <summary>When, by the server's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>A random mark of this very change: a restored database has another at the same position.</summary>
    public required long Tag { get; init; }

    /// <summary>What it changed in the data, as a plain merge patch; null where nothing (a delete, a plain restore).</summary>
    public required JsonObject? Patch { get; init; }

    /// <summary>The patch as the device sent it, where that differs from <see cref="Patch"/>.</summary>
    public required JsonObject? Sent { get; init; }

    /// <summary>The merge patch that undoes it; of a delete the whole data, so that history shows what went.</summary>
    public required JsonObject? Before { get; init; }

    /// <summary>
    /// Where it makes revision 2, the position of the change that made revision 1, which no index of revisions holds; null of all
    /// others, and of what was read from the log.
    /// </summary>
    public long? FirstSeq { get; init; }

    /// <summary>
    /// Whether the op was accepted without a change: it agreed with what was there, or yielded. It has no place in the log, no
    /// revision of its own (<see cref="Rev"/> is the one it met), and counts for what its device holds.
    /// </summary>
    public bool IsUnchanged { get; init; }

    /// <summary>How an op that changed nothing was merged, as it was answered; null of a change, and of what was there already.</summary>
    public JsonArray? Merge { get; init; }

    /// <summary>What it touched, as its device sent it; a delete and a restore without an edit touch no path.</summary>
    public IEnumerable<TouchedPath> Touched() => Sent is { } sent
        ? Intent.Touched(sent)
        : MergePatch.Touched(Kind == OpKind.Delete || Patch is null ? JsonObject.Empty : Patch).Select(path => new TouchedPath(path, null));

    /// <summary>Whether this principal's device made it; without a device nothing is own (protocol 4).</summary>
    public bool IsOwn(string principal, string device) =>
        device.Length > 0
        && string.Equals(Principal, principal, StringComparison.Ordinal)
        && string.Equals(Device, device, StringComparison.Ordinal);
}
