using Npgsql;
using SyncServer.Storage.Embedded;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Restore;

/// <summary>An embedded cluster of its own, of which physical backups are taken and put back.</summary>
internal sealed class RestorableCluster : IAsyncDisposable
{
    private readonly ScratchDirectory directory = new();
    private readonly EmbeddedPostgresOptions options;
    private EmbeddedPostgres? postgres;
    private ClusterPrograms programs = null!;

    private RestorableCluster(bool archives)
    {
        options = directory.Options;
        if (archives)
        {
            options = options with
            {
                Settings = new Dictionary<string, string> { ["archive_mode"] = "on", ["archive_command"] = $"cp %p {Archive}/%f" },
            };
        }
    }

    public string ConnectionString { get; private set; } = "";

    private string Backup => Path.Combine(directory.Root, "backup");

    private string Archive => Path.Combine(directory.Root, "archive");

    private string Dump => Path.Combine(Archive, "dump");

    public static async Task<RestorableCluster> StartedAsync(bool archives = false)
    {
        var cluster = new RestorableCluster(archives);
        await cluster.StartAsync();
        var account = await Unprivileged.ForAsync(cluster.options.DataDirectory, default);
        var found = await PostgresBinaries.FindAsync(null, ClusterPlace.Of(cluster.options.DataDirectory).Major, default);
        // A folder of links may hold only what runs a cluster; what backs it up lies where they lead to.
        var real = new FileInfo(found.Path("postgres")).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? found.Path("postgres");
        cluster.programs = new ClusterPrograms(found with { Directory = Path.GetDirectoryName(real)! }, account);
        await cluster.OwnedAsync(cluster.Archive);
        return cluster;
    }

    /// <summary>Starts what the data directory holds, and returns where it takes writes.</summary>
    public async Task StartAsync()
    {
        postgres = await EmbeddedPostgres.StartAsync(options, default);
        ConnectionString = postgres.ConnectionString;
        await Patience.UntilAsync(async () => await ScalarAsync("SELECT pg_is_in_recovery()") is false, "the cluster takes writes");
    }

    public async Task StopAsync() => await postgres!.DisposeAsync();

    /// <summary>Takes a base backup while the cluster runs.</summary>
    public async Task TakeBackupAsync()
    {
        await OwnedAsync(Backup);
        var connection = new NpgsqlConnectionStringBuilder(ConnectionString);
        Succeeds(await programs.RunAsync("pg_basebackup",
        [
            "-D", Backup, "-h", connection.Host!, "-p", $"{connection.Port}", "-U", connection.Username!,
            "--checkpoint=fast", "--wal-method=stream", "--no-sync",
        ], default));
    }

    /// <summary>Puts the backup in the place of the stopped cluster, which is gone afterwards.</summary>
    public async Task PutBackAsync()
    {
        Directory.Delete(options.DataDirectory, recursive: true);
        Succeeds(await ProgramRun.OfAsync(["cp", "-a", Backup, options.DataDirectory], default));
    }

    /// <summary>The same, and recovers from the archive up to a restore point.</summary>
    public async Task PutBackAsync(string restorePoint)
    {
        await PutBackAsync();
        await File.AppendAllTextAsync(Path.Combine(options.DataDirectory, "postgresql.auto.conf"),
            $"""
            restore_command = 'cp {Archive}/%f %p'
            recovery_target_name = '{restorePoint}'
            recovery_target_action = 'promote'

            """);
        await File.WriteAllTextAsync(Path.Combine(options.DataDirectory, "recovery.signal"), "");
    }

    /// <summary>Dumps the database into a file.</summary>
    public async Task DumpAsync()
    {
        var from = new NpgsqlConnectionStringBuilder(ConnectionString);
        Succeeds(await programs.RunAsync("pg_dump",
            ["-Fc", "-f", Dump, "-h", from.Host!, "-p", $"{from.Port}", "-U", from.Username!, from.Database!], default));
    }

    /// <summary>Restores the dump into an empty database, of any cluster.</summary>
    public async Task RestoreDumpAsync(string connectionString)
    {
        var to = new NpgsqlConnectionStringBuilder(connectionString);
        Succeeds(await programs.RunAsync("pg_restore",
            ["-h", to.Host!, "-p", $"{to.Port}", "-U", to.Username!, "-d", to.Database!, "--no-owner", Dump], default));
    }

    public async Task<object?> ScalarAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        directory.Dispose();
    }

    private static void Succeeds(ProgramRun run) => Assert.True(run.Succeeded, run.Text);

    /// <summary>An empty directory that the cluster's account may write.</summary>
    private async Task OwnedAsync(string path)
    {
        Directory.CreateDirectory(path);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await programs.Account.OwnAsync(path, default);
    }
}
