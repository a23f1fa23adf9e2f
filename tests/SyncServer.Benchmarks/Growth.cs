using SyncServer.Benchmarks.Machine;

namespace SyncServer.Benchmarks;

/// <summary>The same scenarios in tables of few rows and of many, all of them other spaces': what it costs that a server has become large.</summary>
internal sealed class Growth(Measurement measurement, PgBench pgbench, Options options)
{
    public const long Small = 10_000;

    private const long Large = 10_000_000;

    private static readonly Scenario[] Scenarios = [.. Scenario.All.Where(scenario => scenario.Name is "create" or "update" or "pull")];

    /// <summary>Adds the results as they come: all scenarios among few rows, and then among many.</summary>
    public async Task RunAsync(List<ScenarioResult> results)
    {
        foreach (var rows in (long[])[Small, Math.Max(options.Rows > 0 ? options.Rows : Large, Small + 1)])
        {
            await Console.Error.WriteLineAsync($"filling up to {rows:N0} rows …");
            await pgbench.FillAsync(rows);
            foreach (var scenario in Scenarios)
            {
                await Console.Error.WriteLineAsync($"{scenario.Name} of {rows:N0} rows …");
                results.Add(await measurement.RunAsync(scenario) with { Rows = rows });
            }
        }
    }
}
