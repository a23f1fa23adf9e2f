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
    public double Median(Func<Run, double> figure) => Median(Runs.Select(figure));

    public double MedianOfBaseline(Func<BaselineRun, double> figure) => Median(Baselines.Select(figure));

    /// <summary>Medians divided: ops per second over transactions per second.</summary>
    public double Ratio => Median(run => run.OpsPerSecond) / MedianOfBaseline(run => run.PerSecond);

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
