namespace SyncServer.Benchmarks;

/// <summary>What the command line says.</summary>
/// <param name="Scenarios">What is run, in order.</param>
/// <param name="Runs">Alternating runs of server and pgbench; medians are reported.</param>
/// <param name="Seconds">How long each is measured.</param>
/// <param name="Rows">Rows that records, changes and outcomes are filled with first.</param>
/// <param name="Json">Where the results go as JSON; null for nowhere.</param>
internal sealed record Options(IReadOnlyList<Scenario> Scenarios, int Runs, int Seconds, long Rows, string? Json)
{
    public const string Usage =
        """
        bench [scenario...] [--runs N] [--seconds S] [--rows N] [--json FILE]
            scenarios: all unless named; --rows fills the tables first
        bench core [BenchmarkDotNet arguments]
        """;

    /// <summary>The options, or null where they cannot be read.</summary>
    public static Options? Parse(string[] args)
    {
        var options = new Options([], Runs: 5, Seconds: 5, Rows: 0, Json: null);
        var named = new List<Scenario>();
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
                    if (Scenario.All.FirstOrDefault(scenario => scenario.Name == args[i]) is not { } scenario)
                    {
                        return null;
                    }

                    named.Add(scenario);
                    break;
            }
        }

        return options with { Scenarios = named.Count > 0 ? named : Scenario.All };
    }
}
