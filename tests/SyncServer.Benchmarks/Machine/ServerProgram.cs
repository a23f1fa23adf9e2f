using System.Diagnostics.Metrics;
using System.Runtime;
using Microsoft.AspNetCore.Builder;

namespace SyncServer.Benchmarks.Machine;

/// <summary>
/// The server as it is, in a process that can be asked for figures: a line on its input, a number on its error stream. Its end is
/// the end of the input.
/// </summary>
internal static class ServerProgram
{
    public static async Task<int> RunAsync(string[] settings)
    {
        await using var app = ServerHost.Build(settings);
        await app.StartAsync();
        await Console.Error.WriteLineAsync("ready");
        MeterListener? listener = null;
        long commands = 0;
        while (await Console.In.ReadLineAsync() is { } question)
        {
            switch (question)
            {
                case "allocated":
                    await Console.Error.WriteLineAsync($"{GC.GetTotalAllocatedBytes()}");
                    break;
                case "collected":
                    // What is given back to the system counts as free: RSS afterwards is what the server holds.
                    GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                    await Console.Error.WriteLineAsync($"{GC.GetTotalMemory(forceFullCollection: true)}");
                    break;
                case "compiled":
                    await Console.Error.WriteLineAsync($"{JitInfo.GetCompilationTime().TotalMilliseconds:0}");
                    break;
                case "count":
                    // Counting costs, so it is only on in a window of its own.
                    listener = CountCommands(() => Interlocked.Increment(ref commands));
                    await Console.Error.WriteLineAsync("counting");
                    break;
                case "counted":
                    listener?.Dispose();
                    await Console.Error.WriteLineAsync($"{Interlocked.Exchange(ref commands, 0)}");
                    break;
            }
        }

        await app.StopAsync();
        return 0;
    }

    /// <summary>Npgsql records one duration per command, and one for all commands of a batch: both are one round trip.</summary>
    private static MeterListener CountCommands(Action one)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument is { Meter.Name: "Npgsql", Name: "db.client.operation.duration" })
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => one());
        listener.Start();
        return listener;
    }
}
