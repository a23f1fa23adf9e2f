namespace SyncServer.Benchmarks;

/// <summary>What the command line says.</summary>
/// <param name="Scenarios">What is run, in order.</param>
/// <param name="Runs">Alternating runs of server and pgbench; medians are reported.</param>
/// <param name="Seconds">How long each is measured.</param>
/// <param name="Rows">Rows that records, changes and outcomes are filled with first; for growth, the larger number of them.</param>
/// <param name="Json">Where the results go as JSON; null for nowhere.</param>
internal sealed record Options(IReadOnlyList<Scenario> Scenarios, int Runs, int Seconds, long Rows, string? Json)
{
    /// <summary>Measures streams and long polls.</summary>
    public const string StreamName = "stream";

    /// <summary>Measures the same scenarios in small and in large tables; never run unless it is named.</summary>
    public const string GrowthName = "growth";

    public const string AllName = "all";

    // What tells of every hot path once: ten to fifteen minutes with the runs below.
    private static readonly string[] Usual =
        ["create", "update", "merge", "conflict", "replay", "batch", "hot", "lone", "pull", "idle", "firstsync", "two", StreamName];

    public static readonly string Usage =
        $"""
        bench [scenario...] [--runs N] [--seconds S] [--rows N] [--json FILE]
            scenarios: {string.Join(' ', Scenario.All.Select(scenario => scenario.Name))} {StreamName} {GrowthName}
            without names: {string.Join(' ', Usual)}
            {AllName}: every one but {GrowthName}
            --rows fills the tables with other spaces' rows first; {GrowthName} goes up to it (10,000,000)
        bench core [BenchmarkDotNet arguments]
        """;

    /// <summary>Whether streams are measured too.</summary>
    public bool Streams { get; init; }

    /// <summary>Whether growth is.</summary>
    public bool Growth { get; init; }

    /// <summary>The options, or null where they cannot be read.</summary>
    public static Options? Parse(string[] args)
    {
        var options = new Options([], Runs: 3, Seconds: 3, Rows: 0, Json: null);
        var names = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : "";
            switch (args[i])
            {
                case "--runs" when int.TryParse(value, out var runs) && runs > 0:
                    (options, i) = (options with { Runs = runs }, i + 1);
                    break;
                case "--seconds" when int.TryParse(value, out var seconds) && seconds > 0:
                    (options, i) = (options with { Seconds = seconds }, i + 1);
                    break;
                case "--rows" when long.TryParse(value, out var rows) && rows > 0:
                    (options, i) = (options with { Rows = rows }, i + 1);
                    break;
                case "--json" when value.Length > 0:
                    (options, i) = (options with { Json = value }, i + 1);
                    break;
                default:
                    names.Add(args[i]);
                    break;
            }
        }

        return options.Naming(names);
    }

    private Options? Naming(List<string> names)
    {
        string[] asked = names switch
        {
            [] => Usual,
            [AllName] => [.. Scenario.All.Select(scenario => scenario.Name), StreamName],
            _ => [.. names],
        };
        var scenarios = new List<Scenario>();
        foreach (var name in asked.Except([StreamName, GrowthName]))
        {
            if (Scenario.All.FirstOrDefault(scenario => scenario.Name == name) is not { } scenario)
            {
                return null;
            }

            scenarios.Add(scenario);
        }

        return this with { Scenarios = scenarios, Streams = asked.Contains(StreamName), Growth = asked.Contains(GrowthName) };
    }
}
