using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SyncServer.Storage;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Storage;

/// <summary>An empty database of its own for one test; it is gone afterwards.</summary>
internal sealed class ScratchDatabase : IAsyncDisposable
{
    private readonly string _name = "scratch_" + Guid.NewGuid().ToString("n");

    public string ConnectionString =>
        new NpgsqlConnectionStringBuilder(TestServers.ConnectionString) { Database = _name }.ConnectionString;

    public static async Task<ScratchDatabase> CreateAsync()
    {
        var database = new ScratchDatabase();
        await OnServerAsync($"CREATE DATABASE {database._name}");
        return database;
    }

    public static async Task<ScratchDatabase> MigratedAsync()
    {
        var database = await CreateAsync();
        await database.MigrateAsync();
        return database;
    }

    public NpgsqlDataSource Open(string options = "") => DataSource.Create(
        new NpgsqlConnectionStringBuilder(ConnectionString) { Options = options }.ConnectionString, new DatabaseOptions());

    public async Task<IReadOnlyList<string>> MigrateAsync()
    {
        await using var source = Open();
        return await new Migrator(source, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(default);
    }

    /// <summary>The first column of what <paramref name="sql"/> gives.</summary>
    public async Task<string[]> LinesAsync(string sql, string options = "")
    {
        await using var source = Open(options);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var lines = new List<string>();
        while (await reader.ReadAsync())
        {
            lines.Add(reader.GetString(0));
        }

        return [.. lines];
    }

    public static SyncDb Context(NpgsqlDataSource source) => new(new DbContextOptionsBuilder<SyncDb>().UseNpgsql(source).Options);

    public async ValueTask DisposeAsync() => await OnServerAsync($"DROP DATABASE {_name} WITH (FORCE)");

    private static async Task OnServerAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
