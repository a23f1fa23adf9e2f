using System.ComponentModel;
using System.Diagnostics;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Docs;

/// <summary>What the README prints is what the server answers.</summary>
public class ReadmeTests
{
    private const string Address = "http://localhost:8080";
    private const string Token = "dev:alice";

    /// <summary>Stops at the first command that fails, and says what is needed.</summary>
    private const string Strict = "set -euo pipefail; command -v curl > /dev/null || { echo 'curl is not installed' >&2; exit 1; }";

    /// <summary>Between the answers of two steps: a character that no answer holds.</summary>
    private const char Separator = '\x1e';

    [Fact]
    public async Task The_session_of_the_readme_answers_what_the_readme_prints()
    {
        var steps = Readme.Session();
        var principal = $"readme-{Guid.NewGuid():N}";
        var script = string.Join("\nprintf '\\x1e'\n", steps.Select(step => step.Command).Prepend(Strict));
        Assert.Contains(Address, script);
        Assert.Contains(Token, script);

        var output = await RunAsync(script
            .Replace(Address, TestServers.A.Address.ToString().TrimEnd('/'))
            .Replace(Token, $"dev:{principal}"));

        var answers = output.Replace(principal, "alice").Split(Separator)[1..];
        Assert.Equal(steps.Count, answers.Length);
        foreach (var (step, answer) in steps.Zip(answers).Where(pair => pair.First.Answer.Length > 0))
        {
            PrintedAnswer.AssertShows(step.Answer, answer);
        }

        var repeat = steps.ToList().FindIndex(step => step.Answer.Contains("Idempotent-Replayed: true"));
        Assert.EndsWith($"\r\n\r\n{answers[repeat - 1]}", answers[repeat]);
    }

    /// <summary>What a shell printed that was given the script line by line, as somebody who pastes it does.</summary>
    private static async Task<string> RunAsync(string script)
    {
        using var shell = Start();
        using var deadline = new CancellationTokenSource(Patience.Whole);
        try
        {
            var output = shell.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = shell.StandardError.ReadToEndAsync(deadline.Token);
            await shell.StandardInput.WriteAsync(script + "\n");
            shell.StandardInput.Close();
            await shell.WaitForExitAsync(deadline.Token);
            Assert.True(shell.ExitCode == 0, $"The README's session failed: {await errors}\n{await output}");
            return await output;
        }
        finally
        {
            shell.Kill(entireProcessTree: true);
        }
    }

    private static Process Start()
    {
        var start = new ProcessStartInfo("bash")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // The server listens on this machine, whatever proxy the environment names.
        start.Environment["NO_PROXY"] = "*";
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException("The README's session runs in bash, which is not installed.", missing);
        }
    }
}
