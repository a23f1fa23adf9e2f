using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using SyncServer.Benchmarks.Machine;

namespace SyncServer.Benchmarks;

/// <summary>The results, for people and for programs.</summary>
internal static class Report
{
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

    private const string Legend =
        """
        Medians of alternating runs. server, pg, load, base pg: CPU seconds per 1,000 ops. alloc B: bytes that the server allocated per op.
        wal B: bytes of write-ahead log per op. cmds: Npgsql commands and batches per op, each a round trip
        (COMMITs are further ones, and not counted). B in: bytes of answers per op. base: pgbench with the rows of one op per transaction (32 sessions; lone: one), with the
        same page (pull), or COPY (firstsync, records/s). ratio: ops/s over base/s.
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

    public static void Print(string machine, IReadOnlyList<ScenarioResult> results)
    {
        string[][] rows = [[.. Columns.Select(column => column.Title)], .. results.Select(result => Columns.Select(column => column.Value(result)).ToArray())];
        int[] widths = [.. Columns.Select((_, i) => rows.Max(row => row[i].Length))];
        Console.Out.WriteLine($"\n{machine}\n");
        foreach (var row in rows)
        {
            Console.Out.WriteLine(string.Join("  ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))));
        }

        Console.Out.WriteLine($"\n{Legend}");
    }

    public static Task WriteAsync(string path, string machine, IReadOnlyList<ScenarioResult> results) =>
        File.WriteAllTextAsync(path, JsonSerializer.Serialize(new { machine, results }, Readable) + "\n");

    private static string Number(double value) => value switch
    {
        double.NaN => "-",
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
