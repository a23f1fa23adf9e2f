using System.ComponentModel.DataAnnotations;

namespace SyncServer.Pull;

/// <summary>What operators may set under <c>Pull:</c>: how pulls share statements.</summary>
internal sealed class PullOptions
{
    /// <summary>The section that these are read from.</summary>
    public const string Section = "Pull";

    /// <summary>Two: while the pages of one statement are answered the next one is read. More make statements smaller, and so each pull dearer.</summary>
    public const int DefaultReaders = 2;

    /// <summary>A second, behind groups that take milliseconds.</summary>
    public static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(1);

    /// <summary>Statements that are read at once; each takes a connection of the pool while it lasts.</summary>
    [Range(1, 64)]
    public int Readers { get; set; } = DefaultReaders;

    /// <summary>
    /// How long a pull waits for a reader. A group takes milliseconds, so who waits for a second stands behind something that is stuck, and
    /// goes on by itself, within the bounds of the pool and of its own statement.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan Patience { get; set; } = DefaultPatience;
}
