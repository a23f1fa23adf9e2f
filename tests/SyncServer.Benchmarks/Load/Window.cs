using System.Diagnostics;

namespace SyncServer.Benchmarks.Load;

/// <summary>What happened between two moments: answers by status, and how long they took.</summary>
internal sealed class Window
{
    private const int Statuses = 600;

    private readonly long[] _statuses = new long[Statuses];

    public long Began { get; } = Stopwatch.GetTimestamp();

    public Histogram Latencies { get; } = new();

    public long BytesIn { get; private set; }

    /// <summary>One more answer; the caller holds the lock of the run.</summary>
    public void Add(int status, long ticks, int bytes)
    {
        _statuses[status]++;
        BytesIn += bytes;
        Latencies.Add(ticks * 1_000_000 / Stopwatch.Frequency);
    }

    public WindowResult Result(string? unexpected) => new(
        Stopwatch.GetElapsedTime(Began).TotalSeconds,
        Latencies.Count,
        BytesIn,
        Latencies.At(0.50),
        Latencies.At(0.99),
        _statuses.Select((count, status) => (count, status)).Where(row => row.count > 0).ToDictionary(row => row.status, row => row.count),
        unexpected);
}

/// <summary>A measured window as it leaves the load generator.</summary>
/// <param name="Seconds">From the command that began it to the one that ended it.</param>
/// <param name="Requests">Answers that arrived within.</param>
/// <param name="BytesIn">Their bytes, heads included.</param>
/// <param name="P50">Microseconds from the first byte sent to the last byte received.</param>
/// <param name="P99">The same.</param>
/// <param name="Statuses">Answers by status.</param>
/// <param name="Unexpected">The first answer since the start that the workload did not expect; the run is void with one.</param>
internal sealed record WindowResult(
    double Seconds, long Requests, long BytesIn, double P50, double P99, Dictionary<int, long> Statuses, string? Unexpected);
