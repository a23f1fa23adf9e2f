using System.Diagnostics;

namespace SyncServer.Storage.Embedded;

/// <summary>A running PostgreSQL, as its <c>postmaster.pid</c> describes it. Line numbers: miscadmin.h, LOCK_FILE_LINE_*.</summary>
internal sealed record Postmaster(int Pid, int Port, string SocketDirectory)
{
    private const int PortLine = 3;
    private const int SocketLine = 4;

    /// <summary>ESRCH of Linux: the process ended while its file under /proc was read.</summary>
    private const int NoSuchProcess = 3;

    /// <summary>Null where none runs. A number that now belongs to another program is none, and its file is removed.</summary>
    public static async Task<Postmaster?> FindAsync(ClusterPlace place, Unprivileged account, CancellationToken ct)
    {
        var file = place.In("postmaster.pid");
        if (await ReadAsync(file, ct) is not { } text)
        {
            return null;
        }
        var lines = text.Split('\n');
        if (!int.TryParse(lines[0], out var pid) || !Exists(pid))
        {
            return null;
        }
        if (!await IsPostmasterAsync(pid, text, account, ct))
        {
            // PostgreSQL itself would take the other program for its postmaster and refuse to start.
            File.Delete(file);
            return null;
        }
        var port = lines.Length > PortLine && int.TryParse(lines[PortLine], out var number) ? number : 0;
        return new Postmaster(pid, port, lines.Length > SocketLine ? lines[SocketLine].Trim() : "");
    }

    /// <summary>False only where no process of PostgreSQL has the number in the file. Asks no other program, so it may be called often.</summary>
    public static async Task<bool> MayRunAsync(ClusterPlace place, CancellationToken ct) =>
        await ReadAsync(place.In("postmaster.pid"), ct) is { } text
            && int.TryParse(text.Split('\n')[0], out var pid) && Exists(pid) && await IsPostgresAsync(pid, ct);

    private static async Task<string?> ReadAsync(string file, CancellationToken ct)
    {
        try
        {
            return await File.ReadAllTextAsync(file, ct);
        }
        catch (IOException gone) when (gone is FileNotFoundException or DirectoryNotFoundException || gone.HResult == NoSuchProcess)
        {
            return null;
        }
    }

    private static bool Exists(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static async Task<bool> IsPostgresAsync(int pid, CancellationToken ct)
    {
        if (!OperatingSystem.IsLinux())
        {
            using var process = Process.GetProcessById(pid);
            return process.ProcessName.StartsWith("postgres", StringComparison.Ordinal);
        }
        // "pid (name) state …"; a zombie is a killed postmaster that nobody has waited for.
        var stat = await ReadAsync($"/proc/{pid}/stat", ct) ?? "";
        return stat.Length == 0 || (stat.Contains("(postgres) ", StringComparison.Ordinal) && !stat.Contains(") Z ", StringComparison.Ordinal));
    }

    /// <summary>False only where that is certain; a number that cannot be looked into counts as the postmaster's.</summary>
    private static async Task<bool> IsPostmasterAsync(int pid, string text, Unprivileged account, CancellationToken ct)
    {
        if (!await IsPostgresAsync(pid, ct))
        {
            return false;
        }
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }
        // A postmaster works in its data directory, so the file that it sees there is this very one.
        var seen = await account.RunAsync(["cat", $"/proc/{pid}/cwd/postmaster.pid"], ct);
        return !seen.Succeeded || seen.Output.Split('\n')[0] == text.Split('\n')[0];
    }
}
