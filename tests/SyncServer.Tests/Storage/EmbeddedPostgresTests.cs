using System.Diagnostics;
using Npgsql;
using SyncServer.Storage.Embedded;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Storage;

public sealed class EmbeddedPostgresTests : IDisposable
{
    private const string Began = "SELECT pg_postmaster_start_time()";

    private readonly ScratchDirectory scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public async Task A_stopped_cluster_keeps_its_data_and_leaves_no_process()
    {
        await using (var first = await StartAsync())
        {
            await ExecuteAsync(first, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('offline')");
        }
        Assert.False(File.Exists(PidFile));
        await using var second = await StartAsync();
        Assert.Equal("offline", await ScalarAsync(second, "SELECT word FROM kept"));
    }

    [Fact]
    public async Task A_new_cluster_is_UTF8_durable_and_on_no_network()
    {
        await using var postgres = await EmbeddedPostgres.StartAsync(
            scratch.Options with { UnsafeFastForTests = false, Settings = new Dictionary<string, string> { ["work_mem"] = "5MB" } },
            CancellationToken.None);
        Assert.Equal(
            "UTF8|C|checksums on|fsync on|commit on|pages on|listen |socket 0700|connections 200|work_mem 5MB",
            await ScalarAsync(postgres,
                """
                SELECT concat_ws('|', pg_encoding_to_char(encoding), datcollate,
                    'checksums ' || current_setting('data_checksums'), 'fsync ' || current_setting('fsync'),
                    'commit ' || current_setting('synchronous_commit'), 'pages ' || current_setting('full_page_writes'),
                    'listen ' || current_setting('listen_addresses'), 'socket ' || current_setting('unix_socket_permissions'),
                    'connections ' || current_setting('max_connections'), 'work_mem ' || current_setting('work_mem'))
                FROM pg_database WHERE datname = current_database()
                """));
    }

    [Fact]
    public async Task A_cluster_in_use_is_shared_and_the_last_to_leave_stops_it()
    {
        var first = await StartAsync();
        await using var second = await StartAsync();
        var pid = Pid();
        Assert.Equal(first.ConnectionString, second.ConnectionString);
        await first.DisposeAsync();
        Assert.Equal(1, await ScalarAsync(second, "SELECT 1"));
        Assert.Equal(pid, Pid());
        await second.DisposeAsync();
        Assert.False(File.Exists(PidFile));
    }

    [Fact]
    public async Task A_cluster_that_outlived_its_server_is_adopted_with_its_data()
    {
        // Stands for a server that was killed: its locks are gone, its postmaster is not.
        await using (var killed = await StartAsync())
        {
            await ExecuteAsync(killed, "CREATE TABLE kept (word text)");
        }
        File.Delete($"{scratch.Options.DataDirectory}.in-use");
        await RunPgCtlStartAsync();
        var pid = Pid();
        await using (var adopter = await StartAsync())
        {
            Assert.Equal(pid, Pid());
            Assert.Equal(0L, await ScalarAsync(adopter, "SELECT count(*) FROM kept"));
        }
        Assert.False(File.Exists(PidFile));
    }

    [Fact]
    public async Task A_killed_postmaster_is_replaced_and_what_was_committed_is_recovered()
    {
        await using (var killed = await StartAsync())
        {
            await ExecuteAsync(killed, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('committed')");
            using var postmaster = Process.GetProcessById(Pid());
            postmaster.Kill();
        }
        await using var next = await StartAsync();
        Assert.Equal("committed", await ScalarAsync(next, "SELECT word FROM kept"));
    }

    [Fact]
    public async Task A_postmaster_that_is_killed_under_a_server_comes_back_by_itself()
    {
        await using var postgres = await StartAsync();
        await ExecuteAsync(postgres, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('committed')");
        var began = await ScalarAsync(postgres, Began);
        using (var postmaster = Process.GetProcessById(Pid()))
        {
            postmaster.Kill();
        }

        await UntilAnotherAsync(began, () => ScalarAsync(postgres, Began));
        Assert.Equal("committed", await ScalarAsync(postgres, "SELECT word FROM kept"));
    }

    [Fact]
    public async Task A_pid_file_that_names_another_program_does_not_stop_the_start()
    {
        await using (await StartAsync())
        {
        }
        await File.WriteAllTextAsync(PidFile, $"{Environment.ProcessId}\n{scratch.Options.DataDirectory}\n");
        await using var postgres = await StartAsync();
        Assert.NotEqual(Environment.ProcessId, Pid());
    }

    [Fact]
    public async Task What_an_interrupted_initdb_left_is_not_taken_for_a_cluster()
    {
        Directory.CreateDirectory($"{scratch.Options.DataDirectory}.new/cluster");
        await File.WriteAllTextAsync($"{scratch.Options.DataDirectory}.new/cluster/PG_VERSION", "15");
        await using var postgres = await StartAsync();
        Assert.Equal(1, await ScalarAsync(postgres, "SELECT 1"));
        Assert.False(Directory.Exists($"{scratch.Options.DataDirectory}.new"));
    }

    [Fact]
    public async Task A_path_too_long_for_a_socket_gets_a_private_directory_for_it()
    {
        var options = scratch.Options with { DataDirectory = Path.Combine(scratch.Root, new string('x', 100), "pg") };
        var postgres = await EmbeddedPostgres.StartAsync(options, CancellationToken.None);
        var sockets = new NpgsqlConnectionStringBuilder(postgres.ConnectionString).Host!;
        try
        {
            Assert.StartsWith("/tmp/syncserver-", sockets, StringComparison.Ordinal);
            Assert.Equal(1, await ScalarAsync(postgres, "SELECT 1"));
        }
        finally
        {
            await postgres.DisposeAsync();
            Directory.Delete(sockets);
        }
    }

    [Fact]
    public async Task On_the_loopback_a_random_password_is_needed()
    {
        await using var postgres = await EmbeddedPostgres.StartAsync(scratch.Options with { Loopback = true }, CancellationToken.None);
        var connection = new NpgsqlConnectionStringBuilder(postgres.ConnectionString);
        Assert.Equal(("127.0.0.1", 64), (connection.Host, connection.Password!.Length));
        Assert.Equal(1, await ScalarAsync(postgres, "SELECT 1"));
        connection.Password = "guessed";
        await using var stranger = new NpgsqlConnection(connection.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => stranger.OpenAsync());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task Without_PostgreSQL_the_error_names_the_three_ways_out()
    {
        var error = await Assert.ThrowsAsync<EmbeddedPostgresException>(
            () => EmbeddedPostgres.StartAsync(scratch.Options with { BinDirectory = scratch.Root }, CancellationToken.None));
        Assert.Contains("apt-get install postgresql", error.Message, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings:Sync", error.Message, StringComparison.Ordinal);
        Assert.Contains("docker compose up", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_with_other_files_is_left_alone()
    {
        Directory.CreateDirectory(scratch.Options.DataDirectory);
        var precious = Path.Combine(scratch.Options.DataDirectory, "thesis.txt");
        await File.WriteAllTextAsync(precious, "years");
        await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync());
        Assert.Equal("years", await File.ReadAllTextAsync(precious));
    }

    [Fact]
    public void The_highest_installed_version_comes_first()
    {
        foreach (var version in new[] { "9.6", "15", "9", "18" })
        {
            Directory.CreateDirectory(Path.Combine(scratch.Root, version, "bin"));
        }
        Assert.Equal(
            ["18", "15", "9.6", "9"],
            PostgresBinaries.Matches(Path.Combine(scratch.Root, "*", "bin")).Select(bin => Path.GetFileName(Path.GetDirectoryName(bin)!)));
    }

    private string PidFile => Path.Combine(scratch.Options.DataDirectory, "postmaster.pid");

    private int Pid() => int.Parse(File.ReadLines(PidFile).First());

    private Task<EmbeddedPostgres> StartAsync() => EmbeddedPostgres.StartAsync(scratch.Options, CancellationToken.None);

    private async Task RunPgCtlStartAsync()
    {
        var account = await Unprivileged.ForAsync(scratch.Options.DataDirectory, CancellationToken.None);
        var binaries = await PostgresBinaries.FindAsync(null, null, CancellationToken.None);
        var data = scratch.Options.DataDirectory;
        var run = await new ClusterPrograms(binaries, account).StartAsync(
            ["-D", data, "-s", "-w", "-l", $"{data}/startup.log", "-o", $"-c listen_addresses= -c unix_socket_directories={data}"],
            CancellationToken.None);
        Assert.True(run.Succeeded, run.Text);
    }

    /// <summary>Returns when the database answers something else than it did.</summary>
    private static Task UntilAnotherAsync(object? first, Func<Task<object?>> query) => Patience.UntilAsync(async () =>
    {
        try
        {
            return !Equals(first, await query());
        }
        catch (NpgsqlException)
        {
            // Down as yet.
            return false;
        }
    }, "the database comes back");

    private static async Task ExecuteAsync(EmbeddedPostgres postgres, string sql) => await ScalarAsync(postgres, sql);

    private static async Task<object?> ScalarAsync(EmbeddedPostgres postgres, string sql)
    {
        await using var connection = new NpgsqlConnection(postgres.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
