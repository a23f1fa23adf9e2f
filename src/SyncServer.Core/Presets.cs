using System.ComponentModel.DataAnnotations;

namespace SyncServer.Core;

/// <summary>How clients should behave, published by <c>/v1/session</c> so that operators tune them without a release.</summary>
public sealed record Presets
{
    /// <summary>Milliseconds before the first repeat: longer than a radio takes to wake up.</summary>
    [Range(1, 60_000)]
    public int RetryBaseMs { get; init; } = 500;

    /// <summary>Milliseconds between two repeats at most: a client that comes back is not left waiting for longer than a minute.</summary>
    [Range(1, 24 * 60 * 60 * 1_000)]
    public int RetryCapMs { get; init; } = 60_000;

    /// <summary>The share of each wait that is random, so that clients which failed together do not return together.</summary>
    [Range(0.0, 1.0)]
    public double RetryJitter { get; init; } = 0.5;

    /// <summary>Seconds between two pulls of a client in use that has no stream.</summary>
    [Range(1, 24 * 60 * 60)]
    public int PollIntervalSeconds { get; init; } = 30;
}
