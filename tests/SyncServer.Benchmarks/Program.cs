using SyncServer.Benchmarks;
using SyncServer.Benchmarks.Live;
using SyncServer.Benchmarks.Load;
using SyncServer.Benchmarks.Machine;
using SyncServer.Benchmarks.Micro;

switch (args)
{
    case ["load"]:
        return await LoadProgram.RunAsync();
    case ["streams"]:
        return await StreamProgram.RunAsync();
    case ["serve", .. var settings]:
        return await ServerProgram.RunAsync(settings);
    case ["core", .. var more]:
        return CoreBenchmarks.Run(more);
}

if (Options.Parse(args) is not { } options)
{
    await Console.Error.WriteLineAsync(Options.Usage);
    return 2;
}

await using var database = await Database.StartAsync();
await Measurement.MigrateAsync(database);
var pgbench = await PgBench.PrepareAsync(database);
if (options.Growth || options.Scenarios.Any(scenario => scenario.Baseline == Baseline.Pull))
{
    await pgbench.FillPagesAsync();
}

if (options is { Rows: > 0, Growth: false })
{
    await pgbench.FillAsync(options.Rows);
}

var measurement = new Measurement(database, pgbench, options);
var results = new List<ScenarioResult>();
var (live, growth) = (new List<LiveResult>(), new List<ScenarioResult>());
var report = new Report(await Report.MachineAsync(database, options), results, live, growth);
try
{
    foreach (var scenario in options.Scenarios)
    {
        await Console.Error.WriteLineAsync($"{scenario.Name} …");
        results.Add(await measurement.RunAsync(scenario));
    }

    if (options.Streams)
    {
        await new StreamMeasurement(database, options).RunAsync(live);
    }

    if (options.Growth)
    {
        await new Growth(measurement, pgbench, options).RunAsync(growth);
    }
}
finally
{
    // What was measured before something failed is worth showing; the program fails all the same.
    report.Print();
    if (options.Json is { } path)
    {
        await report.WriteAsync(path);
    }
}

return 0;
