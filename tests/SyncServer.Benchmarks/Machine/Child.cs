using System.Diagnostics;

namespace SyncServer.Benchmarks.Machine;

/// <summary>This program once more, in another role and another process, which is told what to do line by line.</summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;
    private readonly StreamReader _answers;

    private Child(ProcessStartInfo start, bool answersOnError)
    {
        start.RedirectStandardInput = true;
        _process = Process.Start(start)!;
        _answers = answersOnError ? _process.StandardError : _process.StandardOutput;
    }

    public int Id => _process.Id;

    /// <summary>A load generator, by its name on the command line: it answers on its output.</summary>
    public static Child Load(string role = "load")
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. Self(), role]) { RedirectStandardOutput = true, UseShellExecute = false };
        // One thread waits for all sockets and runs what follows: no hand-over between threads, and no second thread that spins.
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT"] = "1";
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        return new Child(start, answersOnError: false);
    }

    /// <summary>A server, whose output is its log and goes to a file; it answers on its error stream.</summary>
    public static Child Server(string log, IEnumerable<string> settings)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >> \"$log\"", "sh", log, Environment.ProcessPath!, .. Self(), "serve", .. settings])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        return new Child(start, answersOnError: true);
    }

    /// <summary>Sends one line and reads the one that answers it.</summary>
    public async Task<string> AskAsync(string line)
    {
        Tell(line);
        return await HearAsync();
    }

    /// <summary>Sends a line that nothing answers.</summary>
    public void Tell(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>The next line of the child.</summary>
    public async Task<string> HearAsync() =>
        await _answers.ReadLineAsync() ?? throw new InvalidOperationException("A process of the benchmark ended too early; its trouble stands above.");

    /// <summary>The child ends when its input does.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(30)))
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    // Under `dotnet x.dll` the process is dotnet; under the program's own executable it is that.
    private static string[] Self() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Child).Assembly.Location] : [];
}
