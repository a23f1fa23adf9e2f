using System.ComponentModel.DataAnnotations;

namespace SyncServer.Push;

/// <summary>What operators may set under <c>Push:</c>: how pushes share transactions.</summary>
internal sealed class QueueOptions
{
    /// <summary>The section that these are read from.</summary>
    public const string Section = "Push";

    /// <summary>
    /// Two: while one group waits for the disk the other is planned. More make groups smaller, and so each push dearer.
    /// </summary>
    public const int DefaultWorkers = 2;

    /// <summary>Four: spaces that somebody else has locked are few, and each holds a connection while it waits.</summary>
    public const int DefaultLanes = 4;

    /// <summary>Ten thousand: about a second of work. Who comes behind that many is better told to come again.</summary>
    public const int DefaultQueueOps = 10_000;

    /// <summary>64 MiB of requests: parsed and planned they take several times as much memory.</summary>
    public const long DefaultQueueBytes = 64L * 1024 * 1024;

    /// <summary>Eight: where another server has half of a space's writes, one in some hundreds is planned in vain, with the group that it is in.</summary>
    public const int DefaultQuietWrites = 8;

    /// <summary>
    /// How often this server has to write to a space, while nobody else does, until it plans writes on what it remembers of the space, without
    /// locking or reading it first.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int QuietWrites { get; set; } = DefaultQuietWrites;

    /// <summary>Groups that are decided at once.</summary>
    [Range(1, 64)]
    public int Workers { get; set; } = DefaultWorkers;

    /// <summary>Spaces that are waited for at once, because another server or another request has locked them.</summary>
    [Range(1, 64)]
    public int Lanes { get; set; } = DefaultLanes;

    /// <summary>
    /// Ops that wait or are being decided, at most, an eighth of them of one space or of one principal; a push that has more
    /// is taken where nothing else waits.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int QueueOps { get; set; } = DefaultQueueOps;

    /// <summary>Bytes of the requests that wait or are being decided, at most, with the same shares and exception.</summary>
    [Range(1, long.MaxValue)]
    public long QueueBytes { get; set; } = DefaultQueueBytes;
}
