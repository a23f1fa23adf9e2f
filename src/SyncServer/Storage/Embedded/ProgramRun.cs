using System.ComponentModel;
using System.Diagnostics;

namespace SyncServer.Storage.Embedded;

/// <summary>What a finished program left: its exit code and what it wrote, standard output first.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Errors)
{
    /// <summary>The shell's answer for a program that is not there.</summary>
    private const int NotFound = 127;

    public bool Succeeded => ExitCode == 0;

    public string Text => $"{Output}{Errors}".Trim();

    /// <summary>
    /// Runs a program to its end; cancelling kills it, but none of its children. Nothing reaches the console.
    /// Without <paramref name="capture"/> the output is not read: on Windows a postmaster inherits the pipe and
    /// would keep it open for as long as it lives.
    /// </summary>
    public static async Task<ProgramRun> OfAsync(IReadOnlyList<string> command, bool capture, CancellationToken ct)
    {
        using var process = new Process { StartInfo = StartInfo(command, capture) };
        try
        {
            process.Start();
        }
        catch (Win32Exception missing)
        {
            return new ProgramRun(NotFound, "", $"{command[0]}: {missing.Message}");
        }
        using var kill = ct.Register(() => process.Kill());
        var output = capture ? process.StandardOutput.ReadToEndAsync(CancellationToken.None) : Task.FromResult("");
        var errors = capture ? process.StandardError.ReadToEndAsync(CancellationToken.None) : Task.FromResult("");
        await process.WaitForExitAsync(CancellationToken.None);
        ct.ThrowIfCancellationRequested();
        return new ProgramRun(process.ExitCode, await output, await errors);
    }

    public static Task<ProgramRun> OfAsync(IReadOnlyList<string> command, CancellationToken ct) => OfAsync(command, capture: true, ct);

    private static ProcessStartInfo StartInfo(IReadOnlyList<string> command, bool capture)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardOutput = capture,
            RedirectStandardError = capture,
            CreateNoWindow = true,
            // An unprivileged account may not be able to enter the server's own working directory.
            WorkingDirectory = OperatingSystem.IsWindows() ? "" : "/",
        };
        // PGDATA, PGPORT, PGOPTIONS and the like belong to somebody else's cluster.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }
        start.Environment["LC_ALL"] = "C";
        return start;
    }
}
