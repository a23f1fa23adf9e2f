using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using SyncServer.Benchmarks.Load;
using SyncServer.Benchmarks.Machine;
using SyncServer.Benchmarks.Workloads;

namespace SyncServer.Benchmarks;

/// <summary>
/// Measures scenarios one after the other: servers and load generator are new for each, and warm before the first run. Runs
/// alternate with those of pgbench on the same cluster, and a checkpoint stands before each where many write, so that neither
/// pays for what the other wrote.
/// </summary>
internal sealed class Measurement(Database database, PgBench pgbench, Options options)
{
    public const int Phones = 1000;

    private const int PgBenchClients = 32;

    /// <summary>At the beginning of each run, behind a checkpoint.</summary>
    private static readonly TimeSpan RunIn = TimeSpan.FromSeconds(1);

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private int _seed;

    /// <summary>Starts a server once, which makes the schema.</summary>
    public static async Task MigrateAsync(Database database)
    {
        using var server = StartServer(database, RandomNumberGenerator.GetBytes(32), FreePort());
        await server.HearAsync();
    }

    public async Task<ScenarioResult> RunAsync(Scenario scenario)
    {
        int[] ports = [.. Enumerable.Range(0, scenario.Servers).Select(_ => FreePort())];
        var servers = new List<Child>();
        using var load = Child.Load();
        try
        {
            foreach (var port in ports)
            {
                servers.Add(StartServer(database, _secret, port));
                await servers[^1].HearAsync();
            }

            var ops = int.Parse(await load.AskAsync(JsonSerializer.Serialize(
                new LoadSpec(scenario.Workload, ports, scenario.Connections, Phones, _secret, Interlocked.Increment(ref _seed)))));
            await database.ExecuteAsync("ANALYZE");
            var under = new UnderLoad(database, servers, load, ops);
            await under.WarmAsync();
            var runs = new List<Run>();
            var (baselines, own) = (new List<BaselineRun>(), new List<BaselineRun>());
            for (var i = 0; i < options.Runs; i++)
            {
                await CheckpointAsync(scenario);
                runs.Add(await under.RunAsync(RunIn, TimeSpan.FromSeconds(options.Seconds)));
                if (scenario.Baseline != Baseline.None)
                {
                    await CheckpointAsync(scenario);
                    baselines.Add(await BaselineAsync(scenario.Baseline));
                }

                if (scenario.Baseline == Baseline.LonePush)
                {
                    own.Add(await BaselineAsync(Baseline.OwnPush));
                }
            }

            return new ScenarioResult(scenario, runs, baselines, await under.CommandsAsync(RunIn)) { Own = own };
        }
        finally
        {
            servers.ForEach(server => server.Dispose());
        }
    }

    /// <summary>
    /// So that no turn pays for what another wrote. One connection alone changes few pages twice: behind a checkpoint most of what
    /// it writes is whole pages, fewer per op for whoever is faster, and that would be measured. Its turns go without, and all
    /// have a run-in.
    /// </summary>
    private Task CheckpointAsync(Scenario scenario) =>
        scenario.Baseline == Baseline.LonePush ? Task.CompletedTask : database.ExecuteAsync("CHECKPOINT");

    private async Task<BaselineRun> BaselineAsync(Baseline baseline)
    {
        if (baseline is Baseline.LonePush or Baseline.OwnPush)
        {
            await pgbench.RunAsync(baseline == Baseline.OwnPush ? "own" : "push", clients: 1, (int)RunIn.TotalSeconds);
        }

        var (cpu, wal) = (ProcessTimes.OfFamily(database.PostmasterId), await database.WalAsync());
        var began = System.Diagnostics.Stopwatch.StartNew();
        var result = baseline switch
        {
            Baseline.Push => await pgbench.RunAsync("push", PgBenchClients, options.Seconds),
            Baseline.LonePush => await pgbench.RunAsync("push", clients: 1, options.Seconds),
            Baseline.OwnPush => await pgbench.RunAsync("own", clients: 1, options.Seconds),
            Baseline.Pull => await pgbench.RunAsync("pull", PgBenchClients, options.Seconds),
            _ => await CopyAsync(),
        };
        var count = result.PerSecond * began.Elapsed.TotalSeconds;
        return new BaselineRun(result.PerSecond, result.P50,
            (ProcessTimes.OfFamily(database.PostmasterId) - cpu) / count * 1000, (await database.WalAsync() - wal) / count);
    }

    private async Task<PgBenchResult> CopyAsync()
    {
        var space = await database.ScalarAsync<Guid>("SELECT space_id FROM records GROUP BY space_id ORDER BY count(*) DESC LIMIT 1");
        var began = System.Diagnostics.Stopwatch.StartNew();
        var rows = await database.CopyAsync(
            $"SELECT entity, record_id, rev, deleted, updated_at, updated_by, op_id, data FROM records WHERE space_id = '{space}' AND seq > 0 ORDER BY seq");
        if (rows < LoadProgram.FirstSyncRecords)
        {
            throw new InvalidOperationException($"COPY gave {rows} rows of the space of {LoadProgram.FirstSyncRecords}.");
        }

        return new PgBenchResult(LoadProgram.FirstSyncRecords / began.Elapsed.TotalSeconds, double.NaN, double.NaN);
    }

    public static Child StartServer(Database database, byte[] secret, int port) => Child.Server(
        Path.Combine(database.Scratch, "server.log"),
        [
            $"--urls=http://127.0.0.1:{port}",
            $"--ConnectionStrings:Sync={database.ConnectionString}",
            "--Database:MigrateOnStart=true",
            // The limiter is on, as in production, and never refuses.
            "--Sync:RateLimit:PermitsPerSecond=1000", "--Sync:RateLimit:Burst=100000",
            .. Tokens.Settings(secret),
        ]);

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
