using Npgsql;
using SyncServer.Storage.Embedded;

namespace SyncServer.Benchmarks.Machine;

/// <summary>A cluster of its own with durable settings, which server and pgbench share; gone with its directory at the end.</summary>
internal sealed class Database : IAsyncDisposable
{
    private readonly string _root;
    private readonly EmbeddedPostgres _postgres;
    private readonly NpgsqlConnection _connection;

    private Database(string root, EmbeddedPostgres postgres) =>
        (_root, _postgres, _connection) = (root, postgres, new NpgsqlConnection(postgres.ConnectionString + ";Pooling=false;Command Timeout=0"));

    public string ConnectionString => _postgres.ConnectionString;

    /// <summary>For logs and scripts; removed at the end.</summary>
    public string Scratch => _root;

    public int PostmasterId { get; private set; }

    public string Version => _connection.PostgreSqlVersion.ToString();

    public static async Task<Database> StartAsync()
    {
        var root = Path.Combine(Path.GetTempPath(), $"syncserver-benchmark-{Guid.NewGuid():N}");
        Directory.CreateDirectory(root);
        if (!OperatingSystem.IsWindows())
        {
            // PostgreSQL's account has to pass through, whatever the umask says; the cluster itself is private.
            File.SetUnixFileMode(root, File.GetUnixFileMode(root) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        var postgres = await EmbeddedPostgres.StartAsync(
            new EmbeddedPostgresOptions { DataDirectory = Path.Combine(root, "pg") }, CancellationToken.None);
        var database = new Database(root, postgres);
        await database._connection.OpenAsync();
        database.PostmasterId = ProcessTimes.ParentOf(await database.ScalarAsync<int>("SELECT pg_backend_pid()"));
        return database;
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Runs statements at the same time, each in a session of its own.</summary>
    public Task ExecuteTogetherAsync(params string[] statements) => Task.WhenAll(statements.Select(async sql =>
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }));

    /// <summary>Bytes of write-ahead log since the cluster was made.</summary>
    public Task<long> WalAsync() => ScalarAsync<long>("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");

    /// <summary>Reads what a query gives as COPY does, and throws it away: rows.</summary>
    public async Task<long> CopyAsync(string query)
    {
        using var reader = await _connection.BeginTextExportAsync($"COPY ({query}) TO STDOUT");
        var buffer = new char[64 * 1024];
        var rows = 0L;
        while (await reader.ReadAsync(buffer) is > 0 and var read)
        {
            rows += buffer.AsSpan(0, read).Count('\n');
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _postgres.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}
