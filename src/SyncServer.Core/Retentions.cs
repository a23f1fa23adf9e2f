using System.ComponentModel.DataAnnotations;

namespace SyncServer.Core;

/// <summary>How long the server keeps what clients may still ask for.</summary>
public sealed record Retentions
{
    private const string Least = "00:01:00";
    private const string Most = "36500.00:00:00";

    /// <summary>Whole outcomes: a phone that lay in a drawer for a month still gets its first answers.</summary>
    [Range(typeof(TimeSpan), Least, Most)]
    public TimeSpan IdempotencyRetention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Tombstones in the feed: a device that pulls less often starts from the beginning.</summary>
    [Range(typeof(TimeSpan), Least, Most)]
    public TimeSpan TombstoneRetention { get; init; } = TimeSpan.FromDays(90);

    /// <summary>The log of changes. Never shorter than <see cref="TombstoneRetention"/>: cursors are checked against the log.</summary>
    [Range(typeof(TimeSpan), Least, Most)]
    public TimeSpan HistoryRetention { get; init; } = TimeSpan.FromDays(365);
}
