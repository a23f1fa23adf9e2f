using Npgsql;
using SyncServer.Storage.Embedded;

namespace SyncServer.Tests.Servers;

/// <summary>
/// The PostgreSQL of the run: the one that SYNC_TEST_CONNECTION names, else an embedded one in a directory of its own
/// (or a container, in a build with <c>-p:WithTestcontainers=true</c>).
/// </summary>
internal sealed class TestDatabase(string connectionString, IAsyncDisposable? server) : IAsyncDisposable
{
    /// <summary>Tests wait for a connection and for a statement's end as for everything else.</summary>
    public string ConnectionString { get; } = new NpgsqlConnectionStringBuilder(connectionString)
    {
        Timeout = (int)Patience.Whole.TotalSeconds,
        CommandTimeout = (int)Patience.Whole.TotalSeconds,
    }.ConnectionString;

    public static async Task<TestDatabase> StartAsync()
    {
        if (Environment.GetEnvironmentVariable("SYNC_TEST_CONNECTION") is { Length: > 0 } given)
        {
            return new TestDatabase(given, server: null);
        }
#if WITH_TESTCONTAINERS
        return await ContainerDatabase.StartAsync();
#else
        var cluster = await ScratchCluster.StartAsync();
        return new TestDatabase(cluster.Postgres.ConnectionString, cluster);
#endif
    }

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <summary>An embedded cluster that does not survive the run, whatever ends it.</summary>
internal sealed class ScratchCluster : IAsyncDisposable
{
    private readonly ScratchDirectory directory = new();

    public EmbeddedPostgres Postgres { get; private set; } = null!;

    public static async Task<ScratchCluster> StartAsync()
    {
        var cluster = new ScratchCluster();
        try
        {
            cluster.Postgres = await EmbeddedPostgres.StartAsync(cluster.directory.Options, CancellationToken.None);
            return cluster;
        }
        catch
        {
            cluster.directory.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Postgres.DisposeAsync();
        directory.Dispose();
    }
}
