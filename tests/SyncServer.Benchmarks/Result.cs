using SyncServer.Benchmarks.Live;

namespace SyncServer.Benchmarks;

/// <summary>One measured run of a scenario. CPU is seconds per thousand ops, NaN where the system does not tell.</summary>
internal sealed record Run(double OpsPerSecond, double P50, double P99)
{
    public double ServerCpu { get; init; }
    public double PostgresCpu { get; init; }
    public double LoadCpu { get; init; }

    /// <summary>Bytes that the servers allocated per op.</summary>
    public double Allocated { get; init; }

    /// <summary>Bytes of write-ahead log per op.</summary>
    public double Wal { get; init; }

    /// <summary>Received bytes per op, HTTP heads included.</summary>
    public double BytesIn { get; init; }

    public Dictionary<int, long> Statuses { get; init; } = [];
}

/// <summary>One run of what a scenario is compared with.</summary>
internal sealed record BaselineRun(double PerSecond, double P50, double PostgresCpu, double Wal);

/// <summary>All runs of a scenario.</summary>
/// <param name="Scenario">What ran.</param>
/// <param name="Runs">In order; each baseline run came behind the run of the same place.</param>
/// <param name="Baselines">Empty where there is none.</param>
/// <param name="Commands">Npgsql commands per op: round trips but COMMITs, counted in a window of their own.</param>
internal sealed record ScenarioResult(Scenario Scenario, IReadOnlyList<Run> Runs, IReadOnlyList<BaselineRun> Baselines, double Commands)
{
    /// <summary>Runs of the server's own statements through pgbench; empty where they were not asked for.</summary>
    public IReadOnlyList<BaselineRun> Own { get; init; } = [];

    /// <summary>Rows that the large tables were filled with; 0 for none.</summary>
    public long Rows { get; init; }

    public double Median(Func<Run, double> figure) => Median(Runs.Select(figure));

    public double MedianOfBaseline(Func<BaselineRun, double> figure) => Median(Baselines.Select(figure));

    public double MedianOfOwn(Func<BaselineRun, double> figure) => Median(Own.Select(figure));

    /// <summary>Medians divided: ops per second over transactions per second.</summary>
    public double Ratio => Median(run => run.OpsPerSecond) / MedianOfBaseline(run => run.PerSecond);

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>What it is to have so many streams, or long polls, open.</summary>
/// <param name="Waits">Whether they are long polls.</param>
/// <param name="Open">How many.</param>
/// <param name="Runs">In order.</param>
internal sealed record LiveResult(bool Waits, int Open, IReadOnlyList<StreamWindow> Runs)
{
    /// <summary>Bytes by which the server's resident memory grew per listener, measured behind full collections.</summary>
    public required double Resident { get; init; }

    /// <summary>The same of its managed heap.</summary>
    public required double Heap { get; init; }

    /// <summary>The server's CPU, in cores, while all are at rest; PostgreSQL's beside it.</summary>
    public required double ServerAtRest { get; init; }

    public required double PostgresAtRest { get; init; }

    public double Median(Func<StreamWindow, double> figure) => ScenarioResult.Median(Runs.Select(figure));
}
