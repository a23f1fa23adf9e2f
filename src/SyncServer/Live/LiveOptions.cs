using System.ComponentModel.DataAnnotations;

namespace SyncServer.Live;

/// <summary>What operators may set under <c>Live:</c>. How much one caller may hold open is in <c>Sync:</c>, since clients are told.</summary>
internal sealed class LiveOptions
{
    /// <summary>The section that these are read from.</summary>
    public const string Section = "Live";

    /// <summary>
    /// Whether servers tell each other of writes by NOTIFY. Off, they learn of each other's by the check of heads alone:
    /// for a pooler that does not keep sessions.
    /// </summary>
    public bool Hints { get; set; } = true;

    /// <summary>Between two signs of life of a stream. Clients are promised one every fifteen seconds; the rest is for the network.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:15", ConvertValueInInvariantCulture = true)]
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(12);

    /// <summary>
    /// Between two checks of the heads that somebody here waits for. A hint may be lost, and a write still has to arrive
    /// within two seconds, so more than one second breaks that promise.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00", ConvertValueInInvariantCulture = true)]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a stream's reader may take nothing before it is let go: a phone in a tunnel comes back within this, and
    /// what waits for it is a page of memory.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00", ConvertValueInInvariantCulture = true)]
    public TimeSpan ReaderPatience { get; set; } = TimeSpan.FromSeconds(30);
}
