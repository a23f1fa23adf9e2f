using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Npgsql;
using SyncServer.Benchmarks.Load;
using SyncServer.Storage;
using SyncServer.Storage.Embedded;

namespace SyncServer.Benchmarks.Machine;

/// <summary>What pgbench measured. Latencies are microseconds, and only known where it logged every transaction.</summary>
internal sealed record PgBenchResult(double PerSecond, double P50, double P99);

/// <summary>
/// pgbench on the server's own tables, in spaces of its own: the rows of one op in a transaction of their own, statement by
/// statement, prepared. It is what a straightforward backend without HTTP could do on this machine.
/// </summary>
internal sealed partial class PgBench
{
    /// <summary>As the server's workloads have them.</summary>
    public const int Spaces = 1000;

    // The data of a note, and the answer that an outcome keeps: as long as what the workloads write. The spaces behind the colons
    // keep pgbench from reading variables there.
    private static readonly string Text = string.Concat(Enumerable.Repeat("A note that was written in the train, offline. ", 5))[..200];

    private static readonly string Data = $$"""{"title": "Offline notes","body": "{{Text}}","tags": ["work","travel"],"done": false,"rank": 1000}""";

    private static readonly string Body =
        """{"opId": "7f3b8f2a-3f2a-4b86-12345678901234567","status": 201,"result": "applied","record": {"entity": "note","id": "0190a7c2-8d41-7000-12345678901234567","""
        + """ "rev": 1,"deleted": false,"updatedAtServer": "2026-11-20T10. 15. 00.123Z","updatedBy": "phone-123","opId": "7f3b8f2a-3f2a-4b86-12345678901234567","data": """
        + Data + "}}";

    /// <summary>More than a run makes, so that the heads of the next one are above.</summary>
    private const long HeadsPerRun = 1_000_000_000;

    private const long RowsPerFilledSpace = 1000;

    /// <summary>Of disk for a row in each of the three tables, with its indexes, and as much again for the log and the rest.</summary>
    private const long BytesPerFilledRow = 2048;

    private const string ShortData = """{"title": "Offline notes"}""";

    private readonly Database _database;
    private readonly string _program;
    private long _filledSpaces;
    private long _runs;

    private PgBench(Database database, string program) => (_database, _program) = (database, program);

    /// <summary>Makes the spaces that the scripts write to and read from; the schema is there.</summary>
    public static async Task<PgBench> PrepareAsync(Database database)
    {
        var binaries = await PostgresBinaries.FindAsync(Environment.GetEnvironmentVariable("Postgres__BinDirectory"), major: null, CancellationToken.None);
        // Packages that link PostgreSQL's programs into PATH sometimes leave pgbench out: PATH may still have another one.
        var bench = new PgBench(database, File.Exists(binaries.Path("pgbench")) ? binaries.Path("pgbench") : "pgbench");
        foreach (var (name, script) in (ReadOnlySpan<(string, string)>)[("push", Resource("push")), ("pull", Resource("pull")), ("own", OwnPush.Script())])
        {
            File.WriteAllText(bench.PathOf(name), script.Replace("@LAST@", $"{200_000_000_000 + LoadProgram.PagedSpaces}").Replace("@BODY@", $"'{Body}'").Replace("@DATA@", $"'{Data}'"));
        }

        await database.ExecuteAsync($$"""
            INSERT INTO spaces (space_id, head, tombstone_horizon, history_horizon, name, personal, created_at, figures)
            SELECT id, 0, 0, 0, NULL, true, '2026-11-20T10:15:00Z', '{}'
            FROM generate_series(100000000001, 100000000000 + {{Spaces}}) s, unnest(ARRAY[('00000000-0000-4000-8000-' || s)::uuid, md5('own-' || s)::uuid]) id
            """);
        // Only the server's own statements ask for a membership.
        await database.ExecuteAsync($"""
            INSERT INTO members (space_id, principal, role)
            SELECT md5('own-' || s)::uuid, 'pgbench-' || s, 3 FROM generate_series(100000000001, 100000000000 + {Spaces}) s
            """);
        return bench;
    }

    /// <summary>Makes the records that the pull script reads: those of a space side by side, as the server's are, which came in batches.</summary>
    public Task FillPagesAsync() => _database.ExecuteAsync($"""
        INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id)
        SELECT ('00000000-0000-4000-8000-' || s)::uuid, 'note', gen_random_uuid()::text, 1, n, false, '{Data}', {Data.Length},
            '2026-11-20T10:15:00Z', 'pgbench', gen_random_uuid()::text
        FROM generate_series(200000000001, 200000000000 + {LoadProgram.PagedSpaces}) s, generate_series(1, {LoadProgram.PagedRecords}) n
        ORDER BY s, n
        """);

    /// <summary>
    /// Fills the three large tables up to a number of rows, with other spaces' rows, a thousand in each. Their data is short: what
    /// growth costs is looking up rows among many, and large ones would need tens of gigabytes. Throws where the disk has no room.
    /// </summary>
    public async Task FillAsync(long rows)
    {
        if (new DriveInfo(_database.Scratch).AvailableFreeSpace is var free && free < rows * BytesPerFilledRow)
        {
            throw new IOException($"{rows:N0} rows need up to {rows * BytesPerFilledRow >> 30} GiB of disk, and {free >> 30} are free.");
        }

        var (first, last) = (_filledSpaces + 1, (rows + RowsPerFilledSpace - 1) / RowsPerFilledSpace);
        _filledSpaces = last;
        const string Of = "('10000000-0000-4000-8000-' || (100000000000 + s))::uuid";
        var from = $"FROM generate_series({first}, {last}) s, generate_series(1, {Math.Min(rows, RowsPerFilledSpace)}) n";
        await _database.ExecuteTogetherAsync(
            $"""
            INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id)
            SELECT {Of}, 'note', gen_random_uuid()::text, 1, n, false, '{ShortData}', {ShortData.Length}, '2026-11-20T10:15:00Z', 'filler', gen_random_uuid()::text {from}
            """,
            $"""
            INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, at, tag, patch, bytes)
            SELECT {Of}, n, 'note', gen_random_uuid()::text, 1, 1, gen_random_uuid()::text, 'filler', 'a', '2026-11-20T10:15:00Z', n, '{ShortData}', {ShortData.Length} {from}
            """,
            $"""
            INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, rev, etag, body, entity, decided_at)
            SELECT {Of}, 'filler', gen_random_uuid()::text, decode(md5(n::text) || md5(s::text), 'hex'), 1, 201, 1, '"rev-1"', '{ShortData}'::bytea, 'note', '2026-11-20T10:15:00Z' {from}
            """);
        await _database.ExecuteTogetherAsync("VACUUM (ANALYZE) records", "VACUUM (ANALYZE) changes", "VACUUM (ANALYZE) outcomes");
    }

    /// <summary>Runs a script for some seconds.</summary>
    /// <param name="script">push, pull or own.</param>
    /// <param name="clients">Sessions, each of which waits for its answers.</param>
    /// <param name="seconds">How long.</param>
    public async Task<PgBenchResult> RunAsync(string script, int clients, int seconds)
    {
        var connection = new NpgsqlConnectionStringBuilder(_database.ConnectionString);
        var log = Path.Combine(_database.Scratch, $"pgbench-{Guid.NewGuid():N}");
        string[] logged = clients == 1 ? ["--log", $"--log-prefix={log}"] : [];
        var start = new ProcessStartInfo(_program,
        [
            "-n", "-M", "prepared", "-c", $"{clients}", "-j", $"{Math.Min(clients, 2)}", "-T", $"{seconds}", "-f", PathOf(script), "-D", $"n={++_runs * HeadsPerRun}", .. logged,
            "-h", connection.Host!, "-p", $"{connection.Port}", "-U", connection.Username!, connection.Database!,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["PGPASSWORD"] = connection.Password;
        // The plans of the server's sessions, which its own statements rely on.
        start.Environment["PGOPTIONS"] = DataSource.Plans;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0 || Rate().Match(output) is not { Success: true } rate)
        {
            throw new InvalidOperationException($"pgbench failed: {await errors}\n{output}");
        }

        var latencies = clients == 1 ? Latencies($"{log}.{process.Id}") : [];
        return new PgBenchResult(
            double.Parse(rate.Groups["tps"].ValueSpan, CultureInfo.InvariantCulture), Quantile(latencies, 0.5), Quantile(latencies, 0.99));
    }

    private string PathOf(string script) => Path.Combine(_database.Scratch, $"{script}.sql");

    private static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{name}.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>The third field of every line: microseconds of one transaction.</summary>
    private static double[] Latencies(string path) =>
        [.. File.ReadLines(path).Select(line => double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture)).Order()];

    private static double Quantile(double[] sorted, double share) => sorted.Length == 0 ? double.NaN : sorted[(int)(share * (sorted.Length - 1))];

    [GeneratedRegex(@"tps = (?<tps>[\d.]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Rate();
}
