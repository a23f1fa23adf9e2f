using System.Text.RegularExpressions;

namespace SyncServer.Tests.Docs;

/// <summary>A command of the README's session and the answer that is printed below it; empty where none is.</summary>
internal sealed record Step(string Command, string Answer);

/// <summary>The session of the README: the fenced blocks between its two comments.</summary>
internal static partial class Readme
{
    private const string Begin = "<!-- session:";
    private const string End = "<!-- /session -->";

    public static IReadOnlyList<Step> Session()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "README.md")).ReplaceLineEndings("\n");
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, $"README.md has no session between {Begin} … and {End}.");

        var steps = new List<Step>();
        foreach (Match block in Fence().Matches(text[begin..end]))
        {
            var content = block.Groups["content"].Value;
            if (block.Groups["language"].Value == "sh")
            {
                steps.Add(new Step(content, ""));
            }
            else
            {
                Assert.True(steps is [.., { Answer: "" }], $"An answer in README.md stands below no command:\n{content}");
                steps[^1] = steps[^1] with { Answer = content };
            }
        }

        return steps;
    }

    /// <summary>The directory of the repository.</summary>
    public static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "SyncServer.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return directory.FullName;
    }

    [GeneratedRegex(@"^```(?<language>\w+)\n(?<content>.*?)\n```$", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Fence();
}
