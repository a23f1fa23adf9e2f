using System.Security.Cryptography;
using System.Text.Json;
using SyncServer.Benchmarks.Machine;

namespace SyncServer.Benchmarks.Live;

/// <summary>
/// Measures how long a change takes from the push to those who listen, and what listeners cost. Servers and listeners are new
/// for each number of them.
/// </summary>
internal sealed class StreamMeasurement(Database database, Options options)
{
    /// <summary>Listeners while the server warms up: enough that a push after the other meets one at rest, and little memory.</summary>
    private const int WarmUpOpen = 16;

    /// <summary>Until the hot code of pushes and streams is compiled for the last time.</summary>
    private const int WarmUpSeconds = 10;

    /// <summary>What is measured.</summary>
    private static readonly (int Open, bool Waits)[] All = [(1, false), (100, false), (2000, false), (2000, true)];

    /// <summary>The tasks of listeners that were closed, and of those that were opened, come to their rest.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);

    // Far from those of the load generators.
    private int _seed = 1_000_000;

    /// <summary>Adds the results as they come.</summary>
    public async Task RunAsync(List<LiveResult> results)
    {
        foreach (var (open, waits) in All)
        {
            await Console.Error.WriteLineAsync($"{open} {(waits ? "waits" : "streams")} …");
            results.Add(await RunAsync(open, waits));
        }
    }

    private async Task<LiveResult> RunAsync(int open, bool waits)
    {
        var port = Measurement.FreePort();
        using var server = Measurement.StartServer(database, _secret, port);
        await server.HearAsync();
        using var listeners = Child.Load("streams");
        listeners.Tell(JsonSerializer.Serialize(new StreamSpec(waits, port, Measurement.Phones, _secret, ++_seed)));
        await listeners.AskAsync($"open {WarmUpOpen}");
        await listeners.AskAsync($"warm {WarmUpSeconds}");
        await listeners.AskAsync("close");
        await Task.Delay(Settling);
        var before = await MemoryAsync(server);
        await listeners.AskAsync($"open {open}");
        await Task.Delay(Settling);
        var after = await MemoryAsync(server);
        var rest = await RestAsync(server);
        var runs = new List<StreamWindow>();
        for (var i = 0; i < options.Runs; i++)
        {
            runs.Add(JsonSerializer.Deserialize<StreamWindow>(await listeners.AskAsync($"push {options.Seconds}"))!);
        }

        return new LiveResult(waits, open, runs)
        {
            Resident = (double)(after.Resident - before.Resident) / open,
            Heap = (double)(after.Heap - before.Heap) / open,
            ServerAtRest = rest.Server,
            PostgresAtRest = rest.Postgres,
        };
    }

    private async Task<(double Server, double Postgres)> RestAsync(Child server)
    {
        var (own, postgres) = (ProcessTimes.Of(server.Id), ProcessTimes.OfFamily(database.PostmasterId));
        await Task.Delay(TimeSpan.FromSeconds(options.Seconds));
        return ((ProcessTimes.Of(server.Id) - own) / options.Seconds, (ProcessTimes.OfFamily(database.PostmasterId) - postgres) / options.Seconds);
    }

    private static async Task<(long Resident, long Heap)> MemoryAsync(Child server)
    {
        var heap = long.Parse(await server.AskAsync("collected"));
        return (ProcessTimes.MemoryOf(server.Id), heap);
    }
}
