using System.Diagnostics;
using SyncServer.Storage.Embedded;

namespace SyncServer.Tests.Servers;

/// <summary>
/// A temporary directory with room for one cluster. A shell watches over it: when this process lets go of the directory, or
/// dies, be it by a ctrl-c or a kill, it ends the cluster and removes the directory.
/// </summary>
internal sealed class ScratchDirectory : IDisposable
{
    private const string Watch =
        """
        trap '' INT TERM HUP
        cat > /dev/null
        pid=$(head -n 1 "$1/pg/postmaster.pid" 2> /dev/null)
        if [ -n "$pid" ] && [ "$pid" != "$PPID" ] && kill -QUIT "$pid" 2> /dev/null; then
          tries=100
          while [ "$tries" -gt 0 ] && [ -f "$1/pg/postmaster.pid" ]; do sleep 0.1; tries=$((tries - 1)); done
        fi
        rm -rf "$1"
        """;

    private readonly Process? watcher;

    public ScratchDirectory()
    {
        Directory.CreateDirectory(Root);
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        // PostgreSQL's account has to pass through, whatever the umask says; the cluster itself is private.
        File.SetUnixFileMode(Root, File.GetUnixFileMode(Root) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        watcher = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Watch, "sh", Root])
        {
            RedirectStandardInput = true,
            UseShellExecute = false,
        });
    }

    public string Root { get; } = Path.Combine(Path.GetTempPath(), $"syncserver-{Guid.NewGuid():N}");

    public EmbeddedPostgresOptions Options => new() { DataDirectory = Path.Combine(Root, "pg"), UnsafeFastForTests = true };

    public void Dispose()
    {
        if (watcher is null)
        {
            Directory.Delete(Root, recursive: true);
            return;
        }
        watcher.StandardInput.Close();
        watcher.WaitForExit();
        watcher.Dispose();
    }
}
