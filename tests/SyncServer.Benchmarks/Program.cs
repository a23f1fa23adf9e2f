using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using SyncServer.Benchmarks;
using SyncServer.Benchmarks.Load;
using SyncServer.Benchmarks.Machine;

switch (args)
{
    case ["load"]:
        return await LoadProgram.RunAsync();
    case ["serve", .. var settings]:
        return await ServerProgram.RunAsync(settings);
    case ["core", .. var more]:
        // In this process: BenchmarkDotNet would otherwise make a project of its own, which this repository's rules refuse.
        BenchmarkSwitcher.FromAssembly(typeof(Options).Assembly).RunAll(
            DefaultConfig.Instance.AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance)), more);
        return 0;
}

if (Options.Parse(args) is not { } options)
{
    await Console.Error.WriteLineAsync(Options.Usage);
    return 2;
}

await using var database = await Database.StartAsync();
await Measurement.MigrateAsync(database);
var pgbench = await PgBench.PrepareAsync(database);
if (options.Scenarios.Any(scenario => scenario.Baseline == Baseline.Pull))
{
    await pgbench.FillPagesAsync();
}

if (options.Rows > 0)
{
    await pgbench.FillAsync(options.Rows);
}

var machine = await Report.MachineAsync(database, options);
var measurement = new Measurement(database, pgbench, options);
var results = new List<ScenarioResult>();
foreach (var scenario in options.Scenarios)
{
    await Console.Error.WriteLineAsync($"{scenario.Name} …");
    results.Add(await measurement.RunAsync(scenario));
}

Report.Print(machine, results);
if (options.Json is { } path)
{
    await Report.WriteAsync(path, machine, results);
}

return 0;
