using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using SyncServer.Benchmarks.Live;
using SyncServer.Benchmarks.Machine;

namespace SyncServer.Benchmarks;

/// <summary>The results, for people, as tables of Markdown, and for programs.</summary>
internal sealed record Report(string Machine, IReadOnlyList<ScenarioResult> Scenarios, IReadOnlyList<LiveResult> Live, IReadOnlyList<ScenarioResult> Growth)
{
    private const string Nothing = "-";

    private const string Rule = "--:";

    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    private static readonly (string Title, Func<ScenarioResult, string> Value)[] Columns =
    [
        ("scenario", result => result.Scenario.Name),
        ("conns", result => $"{result.Scenario.Connections}"),
        ("ops/s", result => Number(result.Median(run => run.OpsPerSecond))),
        ("min-max", result => $"{Number(result.Runs.Min(run => run.OpsPerSecond))}-{Number(result.Runs.Max(run => run.OpsPerSecond))}"),
        ("p50 ms", result => Number(result.Median(run => run.P50) / 1000)),
        ("p99 ms", result => Number(result.Median(run => run.P99) / 1000)),
        ("base/s", result => Number(result.MedianOfBaseline(run => run.PerSecond))),
        ("ratio", result => Number(result.Ratio)),
        ("own sql/s", result => Number(result.MedianOfOwn(run => run.PerSecond))),
        ("own p50", result => Number(result.MedianOfOwn(run => run.P50) / 1000)),
        ("p50/own", result => Number(result.Median(run => run.P50) / result.MedianOfOwn(run => run.P50))),
        ("own wal", result => Number(result.MedianOfOwn(run => run.Wal))),
        ("base p50", result => Number(result.MedianOfBaseline(run => run.P50) / 1000)),
        ("server", result => Number(result.Median(run => run.ServerCpu))),
        ("pg", result => Number(result.Median(run => run.PostgresCpu))),
        ("load", result => Number(result.Median(run => run.LoadCpu))),
        ("base pg", result => Number(result.MedianOfBaseline(run => run.PostgresCpu))),
        ("alloc B", result => Number(result.Median(run => run.Allocated))),
        ("wal B", result => Number(result.Median(run => run.Wal))),
        ("base wal", result => Number(result.MedianOfBaseline(run => run.Wal))),
        ("cmds", result => Number(result.Commands)),
        ("B in", result => Number(result.Median(run => run.BytesIn))),
    ];

    private static readonly (string Title, Func<LiveResult, string> Value)[] LiveColumns =
    [
        ("listeners", result => result.Waits ? "long polls" : "streams"),
        ("open", result => $"{result.Open:N0}"),
        ("p50 ms", result => Number(result.Median(run => run.P50) / 1000)),
        ("p99 ms", result => Number(result.Median(run => run.P99) / 1000)),
        ("push p50", result => Number(result.Median(run => run.PushP50) / 1000)),
        ("pushes", result => $"{result.Runs.Sum(run => run.Pushes):N0}"),
        ("RSS KiB", result => MemoryOf(result, result.Resident)),
        ("heap KiB", result => MemoryOf(result, result.Heap)),
        ("server", result => Number(result.ServerAtRest)),
        ("pg", result => Number(result.PostgresAtRest)),
    ];

    private static readonly (string Title, Func<(ScenarioResult Small, ScenarioResult Large), string> Value)[] GrowthColumns =
    [
        ("scenario", pair => pair.Small.Scenario.Name),
        ("rows", pair => $"{pair.Small.Rows:N0} / {pair.Large.Rows:N0}"),
        ("ops/s", pair => Number(pair.Small.Median(Rate))),
        ("ops/s large", pair => Number(pair.Large.Median(Rate))),
        ("large/small", pair => Number(pair.Large.Median(Rate) / pair.Small.Median(Rate))),
        ("base/s", pair => Number(pair.Small.MedianOfBaseline(BaselineRate))),
        ("base/s large", pair => Number(pair.Large.MedianOfBaseline(BaselineRate))),
        ("base large/small", pair => Number(pair.Large.MedianOfBaseline(BaselineRate) / pair.Small.MedianOfBaseline(BaselineRate))),
        ("ratio", pair => Number(pair.Small.Ratio)),
        ("ratio large", pair => Number(pair.Large.Ratio)),
    ];

    private const string Legend =
        """
        Medians of alternating runs. server, pg, load, base pg: CPU seconds per 1,000 ops. alloc B: bytes that the server allocated per op.
        wal B: bytes of write-ahead log per op. cmds: Npgsql commands and batches per op, each a round trip, those of background work
        included. B in: bytes of answers per op. base: pgbench with the rows of one op per transaction (32 sessions; lone: one), with the
        same page (pull), or COPY (firstsync, records/s). ratio: ops/s over base/s. own: the server's statements for one create, in
        pgbench, one session, in spaces like the server's.
        """;

    private const string LiveLegend =
        """
        p50, p99: from the first byte of a push to the change at whoever listens; push: to its own answer. Pushes come one by one, 25 a
        second, each in the space of a random listener. RSS, heap: growth of the server per listener, behind full collections. server, pg:
        CPU in cores while nobody pushes.
        """;

    public static async Task<string> MachineAsync(Database database, Options options)
    {
        var cpu = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[1]
            : null;
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 30);
        return $"{Environment.ProcessorCount} cores ({cpu ?? RuntimeInformation.ProcessArchitecture.ToString()}), {memory} GiB, {RuntimeInformation.OSDescription}; "
            + $"PostgreSQL {database.Version}; {RuntimeInformation.FrameworkDescription}; commit {await CommitAsync()}; "
            + $"{options.Runs} runs of {options.Seconds} s; fsync {await database.ScalarAsync<string>("SHOW fsync")}, "
            + $"synchronous_commit {await database.ScalarAsync<string>("SHOW synchronous_commit")}; rows filled in: {options.Rows}";
    }

    public void Print()
    {
        Console.Out.WriteLine($"\n{Machine}\n");
        Table(Columns, [.. Scenarios, .. Growth], Legend);
        Table(LiveColumns, Live, LiveLegend);
        var (small, large) = (Growth.Where(result => result.Rows == Benchmarks.Growth.Small), Growth.Where(result => result.Rows > Benchmarks.Growth.Small));
        Table(GrowthColumns, [.. small.Zip(large)], "The same scenario among few and among many rows of other spaces.");
    }

    public Task WriteAsync(string path) => File.WriteAllTextAsync(path, JsonSerializer.Serialize(this, Readable) + "\n");

    /// <summary>Columns in which nothing was measured are left out.</summary>
    private static void Table<T>((string Title, Func<T, string> Value)[] columns, IReadOnlyList<T> results, string legend)
    {
        if (results.Count == 0)
        {
            return;
        }

        string[][] cells = [.. columns.Select(column => (string[])[column.Title, .. results.Select(column.Value)])];
        cells = [.. cells.Where(column => column[1..].Any(cell => cell != Nothing)).Select(column => (string[])[column[0], Rule, .. column[1..]])];
        int[] widths = [.. cells.Select(column => column.Max(cell => cell.Length))];
        for (var row = 0; row < cells[0].Length; row++)
        {
            Console.Out.WriteLine($"| {string.Join(" | ", cells.Select((column, i) => Cell(column[row], widths[i], isFirst: i == 0)))} |");
        }

        Console.Out.WriteLine($"\n{legend}\n");
    }

    private static string Cell(string text, int width, bool isFirst) => text switch
    {
        Rule => isFirst ? new string('-', width) : new string('-', width - 1) + ":",
        _ => isFirst ? text.PadRight(width) : text.PadLeft(width),
    };

    private static double Rate(Run run) => run.OpsPerSecond;

    private static double BaselineRate(BaselineRun run) => run.PerSecond;

    // Of a few listeners the growth is that of everything else.
    private static string MemoryOf(LiveResult result, double bytes) => result.Open < 1000 ? Nothing : Number(bytes / 1024);

    private static string Number(double value) => value switch
    {
        double.NaN => Nothing,
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 1 or 0 => value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };

    private static async Task<string> CommitAsync()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["describe", "--always", "--dirty"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return (await git.StandardOutput.ReadToEndAsync()).Trim();
    }
}
