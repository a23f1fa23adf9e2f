namespace SyncServer.Benchmarks;

/// <summary>What pgbench does in turn with a scenario.</summary>
internal enum Baseline
{
    None,

    /// <summary>The rows of one op, 32 sessions.</summary>
    Push,

    /// <summary>The same, one session.</summary>
    LonePush,

    /// <summary>The statements that the server sends for one op, one session; beside <see cref="LonePush"/>.</summary>
    OwnPush,

    /// <summary>A page of 100 records, 32 sessions.</summary>
    Pull,

    /// <summary>COPY of all records of one space.</summary>
    Copy,
}

/// <summary>One row of the report.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Workload">What the load generator sends.</param>
/// <param name="Connections">How many connections send it.</param>
/// <param name="Baseline">What it is compared with.</param>
/// <param name="Servers">How many servers share the database and the connections.</param>
internal sealed record Scenario(string Name, string Workload, int Connections, Baseline Baseline = Baseline.Push, int Servers = 1)
{
    public static readonly IReadOnlyList<Scenario> All =
    [
        new("create", "create", 128),
        new("create64", "create", 64),
        new("create256", "create", 256),
        new("update", "update", 128),
        new("merge", "merge", 128),
        new("conflict", "conflict", 128),
        new("replay", "replay", 128),
        new("batch", "batch", 32),
        new("hot", "hot", 64),
        new("lone", "create", 1, Baseline.LonePush),
        new("pull", "pull", 64, Baseline.Pull),
        new("idle", "idle", 64, Baseline.None),
        new("firstsync", "firstsync", 1, Baseline.Copy),
        new("two", "create", 128, Baseline.Push, Servers: 2),
        new("twohot", "hot", 64, Baseline.Push, Servers: 2),
        new("live", "live", 64, Baseline.None),
        new("unrouted", "unrouted", 64, Baseline.None),
        new("malformed", "malformed", 64, Baseline.None),
    ];
}
