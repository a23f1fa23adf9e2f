using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace SyncServer.Storage.Embedded;

/// <summary>An existing cluster: starts, is adopted where it already runs, and stops.</summary>
internal sealed class Cluster(EmbeddedPostgresOptions options, ClusterPlace place, ClusterPrograms programs)
{
    /// <summary>After a crash the log is replayed first: at most <c>max_wal_size</c>, which takes minutes on a slow disk.</summary>
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// A start right after a crash fails while processes of the killed postmaster are still leaving; longer than this
    /// they do not take.
    /// </summary>
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Seconds for the final checkpoint; whoever manages the server's process is seldom more patient.</summary>
    private const int StopSeconds = 30;

    /// <summary>Seconds for a stop without a checkpoint, which only ends processes.</summary>
    private const int ImmediateStopSeconds = 10;

    /// <summary>Lines of the log that explain a failed start.</summary>
    private const int LogTail = 15;

    /// <summary>The port that it had last, and that the connection strings of its servers name.</summary>
    private int? port;

    /// <summary>The data directory.</summary>
    public string Path => place.Path;

    private string StartLog => place.In("startup.log");

    /// <summary>Runs and answers afterwards. True where it was found running, for example after a crash of the server.</summary>
    public async Task<(NpgsqlConnectionStringBuilder Connection, bool Adopted)> RunAsync(CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var adopted = true;
        while (true)
        {
            var running = await Postmaster.FindAsync(place, programs.Account, ct);
            if (running is not null && await AnswersAsync(running, ct) is { } connection)
            {
                return (connection, adopted);
            }
            if (clock.Elapsed > StartTimeout)
            {
                throw new EmbeddedPostgresException($"PostgreSQL in {place.Path} runs but does not answer.\n{Tail()}");
            }
            if (running is null)
            {
                adopted = false;
                if (await StartAsync(mayRetry: clock.Elapsed < LeaveTimeout, ct))
                {
                    continue;
                }
            }
            await Task.Delay(PollInterval, ct);
        }
    }

    /// <summary>A look without a connection: false only where it certainly does not run.</summary>
    public Task<bool> IsRunningAsync(CancellationToken ct) => Postmaster.MayRunAsync(place, ct);

    /// <summary>False where it had to be left running. Without effect where it does not run.</summary>
    public async Task<bool> StopAsync()
    {
        string[][] ways = [["fast", $"{StopSeconds}"], ["immediate", $"{ImmediateStopSeconds}"]];
        foreach (var way in ways)
        {
            if (await Postmaster.FindAsync(place, programs.Account, CancellationToken.None) is null)
            {
                return true;
            }
            await programs.RunAsync("pg_ctl", ["stop", "-D", place.Path, "-s", "-w", "-m", way[0], "-t", way[1]], CancellationToken.None);
        }
        return await Postmaster.FindAsync(place, programs.Account, CancellationToken.None) is null;
    }

    /// <summary>Whether it answers; false where it did not start and the caller asks again.</summary>
    private async Task<bool> StartAsync(bool mayRetry, CancellationToken ct)
    {
        var settings = await SettingsAsync(ct);
        var run = await programs.StartAsync(
            ["-D", place.Path, "-s", "-w", "-t", $"{StartTimeout.TotalSeconds}", "-l", StartLog, "-o", settings], ct);
        if (!run.Succeeded && !mayRetry)
        {
            throw new EmbeddedPostgresException($"PostgreSQL in {place.Path} does not start. {run.Text}\n{Tail()}");
        }
        return run.Succeeded;
    }

    /// <summary>
    /// The command line of the postmaster. fsync, synchronous_commit and full_page_writes are left as they are: on.
    /// </summary>
    private async Task<string> SettingsAsync(CancellationToken ct)
    {
        var settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["listen_addresses"] = options.Loopback ? "127.0.0.1" : "",
            ["port"] = $"{(options.Loopback ? port ?? FreePort() : SocketDirectory.Port)}",
            ["unix_socket_directories"] = options.Loopback ? "" : await SocketDirectory.ForAsync(place.Path, programs.Account, ct),
            ["unix_socket_permissions"] = "0700",
            // PostgreSQL's own default, said here because it is what the server was measured with.
            ["shared_buffers"] = "128MB",
            // The connection pools of a few servers.
            ["max_connections"] = "200",
            // Checkpoints by time rather than by volume while phones push after a night offline.
            ["max_wal_size"] = "2GB",
            // One file per weekday, overwritten a week later: bounded without anybody looking after it.
            ["logging_collector"] = "on",
            ["log_filename"] = "postgres-%a.log",
            ["log_truncate_on_rotation"] = "on",
            ["log_rotation_size"] = "0",
        };
        if (options.UnsafeFastForTests)
        {
            settings["fsync"] = settings["full_page_writes"] = "off";
        }
        foreach (var (name, value) in options.Settings)
        {
            settings[name] = value;
        }
        return string.Join(' ', settings.Select(setting => $"-c {Quote($"{setting.Key}={setting.Value}")}"));
    }

    /// <summary>pg_ctl hands its <c>-o</c> to a shell, on Windows to the C runtime's splitting of a command line.</summary>
    private static string Quote(string argument) =>
        OperatingSystem.IsWindows() ? $"\"{argument.Replace("\"", "\\\"")}\"" : $"'{argument.Replace("'", "'\\''")}'";

    private async Task<NpgsqlConnectionStringBuilder?> AnswersAsync(Postmaster running, CancellationToken ct)
    {
        if (running.Port == 0)
        {
            return null;
        }
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = running.SocketDirectory.Length > 0 ? running.SocketDirectory : IPAddress.Loopback.ToString(),
            Port = running.Port,
            Username = NewCluster.User,
            Password = File.Exists(place.In(NewCluster.PasswordFile)) ? await File.ReadAllTextAsync(place.In(NewCluster.PasswordFile), ct) : null,
            Database = "postgres",
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        try
        {
            await using var probe = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Pooling = false }.ConnectionString);
            await probe.OpenAsync(ct);
            port = running.Port;
            return connection;
        }
        catch (PostgresException refused) when (refused.SqlState != PostgresErrorCodes.CannotConnectNow)
        {
            throw new EmbeddedPostgresException($"PostgreSQL in {place.Path} refuses this server: {refused.MessageText}", refused);
        }
        catch (NpgsqlException)
        {
            // Starting up, recovering or shutting down: the caller asks again.
            return null;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The end of the newest log, where PostgreSQL says why it did not start.</summary>
    private string Tail()
    {
        var logs = new DirectoryInfo(place.In("log"));
        var newest = (logs.Exists ? logs.GetFiles() : []).Append(new FileInfo(StartLog))
            .Where(file => file.Exists)
            .MaxBy(file => file.LastWriteTimeUtc);
        return newest is null ? "" : string.Join('\n', File.ReadLines(newest.FullName).TakeLast(LogTail));
    }
}
