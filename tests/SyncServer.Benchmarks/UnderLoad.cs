using System.Text.Json;
using SyncServer.Benchmarks.Load;
using SyncServer.Benchmarks.Machine;

namespace SyncServer.Benchmarks;

/// <summary>Servers under the load of one generator, and what a window of it costs everybody.</summary>
internal sealed class UnderLoad(Database database, IReadOnlyList<Child> servers, Child load, int opsPerRequest)
{
    /// <summary>On two busy cores most servers are warm after twenty.</summary>
    private const int WarmUpSeconds = 30;

    /// <summary>Seconds in a row in which hardly anything is compiled.</summary>
    private const int QuietSeconds = 3;

    /// <summary>Of compilation within a second: one per cent of a core, below the noise of a measurement.</summary>
    private const long QuietMilliseconds = 10;

    /// <summary>Many groups of pushes, so that those at its ends do not count.</summary>
    private static readonly TimeSpan CountingTime = TimeSpan.FromSeconds(2);

    /// <summary>Loads for as long as <paramref name="before"/> without looking, and then measures.</summary>
    public async Task<Run> RunAsync(TimeSpan before, TimeSpan measured)
    {
        await load.AskAsync("start");
        await Task.Delay(before);
        await load.AskAsync("measure");
        var began = await FiguresAsync();
        await Task.Delay(measured);
        var ended = await FiguresAsync();
        var window = await StopAsync();
        var ops = (double)window.Requests * opsPerRequest;
        return new Run(ops / window.Seconds, window.P50, window.P99)
        {
            ServerCpu = (ended.ServerCpu - began.ServerCpu) / ops * 1000,
            PostgresCpu = (ended.PostgresCpu - began.PostgresCpu) / ops * 1000,
            LoadCpu = (ended.LoadCpu - began.LoadCpu) / ops * 1000,
            Allocated = (ended.Allocated - began.Allocated) / ops,
            Wal = (ended.Wal - began.Wal) / ops,
            BytesIn = window.BytesIn / ops,
            Statuses = window.Statuses,
        };
    }

    /// <summary>
    /// Loads until the servers' hot code is compiled for the last time: the runtime compiles what it has watched for a while
    /// again, and a server that is measured before that is measured with its compiler.
    /// </summary>
    public async Task WarmAsync()
    {
        await load.AskAsync("start");
        var compiled = await CompiledAsync();
        for (var (seconds, quiet) = (0, 0); seconds < WarmUpSeconds && quiet < QuietSeconds; seconds++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            var now = await CompiledAsync();
            quiet = now - compiled < QuietMilliseconds ? quiet + 1 : 0;
            compiled = now;
        }

        await StopAsync();
    }

    /// <summary>Commands that the servers sent to the database per op.</summary>
    public async Task<double> CommandsAsync(TimeSpan before)
    {
        await load.AskAsync("start");
        await Task.Delay(before);
        await AskAllAsync("count");
        await load.AskAsync("measure");
        await Task.Delay(CountingTime);
        // Before the load stops: what it still waits for then has its commands in no window.
        var commands = (await AskAllAsync("counted")).Sum(long.Parse);
        var window = await StopAsync();
        return (double)commands / window.Requests / opsPerRequest;
    }

    private async Task<Figures> FiguresAsync() => new(
        servers.Sum(server => ProcessTimes.Of(server.Id)),
        ProcessTimes.OfFamily(database.PostmasterId),
        ProcessTimes.Of(load.Id),
        (await AskAllAsync("allocated")).Sum(long.Parse),
        await database.WalAsync());

    /// <summary>Ends the load; any answer that the workload did not expect is the end of the whole measurement.</summary>
    private async Task<WindowResult> StopAsync()
    {
        var window = JsonSerializer.Deserialize<WindowResult>(await load.AskAsync("stop"))!;
        return window.Unexpected is null
            ? window
            : throw new InvalidDataException($"An answer that the workload did not expect:\n{window.Unexpected}");
    }

    private async Task<long> CompiledAsync() => (await AskAllAsync("compiled")).Sum(long.Parse);

    private async Task<string[]> AskAllAsync(string question) => await Task.WhenAll(servers.Select(server => server.AskAsync(question)));

    private sealed record Figures(double ServerCpu, double PostgresCpu, double LoadCpu, long Allocated, long Wal);
}
