using Npgsql;

namespace SyncServer.Storage.Embedded;

/// <summary>
/// A private PostgreSQL cluster that lives as long as the servers that use it, and is started again where it does not. Whatever ends a server, what was committed
/// stays: a cluster that outlived a killed server is adopted by the next one, and a killed cluster recovers at its start.
/// Several servers may use one data directory: each holds it in use, and the last one to leave stops it.
/// </summary>
public sealed class EmbeddedPostgres : IAsyncDisposable
{
    /// <summary>The name of the database in the cluster.</summary>
    public const string Database = "sync";

    private readonly ClusterPlace place;
    private readonly ClusterShare share;
    private readonly ILogger logger;
    private Cluster? cluster;
    private ClusterKeeper? keeper;
    private int disposed;

    private EmbeddedPostgres(ClusterPlace place, ClusterShare share, ILogger logger) =>
        (this.place, this.share, this.logger) = (place, share, logger);

    /// <summary>For Npgsql: the superuser <c>sync</c> on the database <c>sync</c>.</summary>
    public string ConnectionString { get; private set; } = "";

    /// <summary>
    /// Null where <c>ConnectionStrings:Sync</c> names a PostgreSQL; otherwise starts the embedded one and sets that key, so
    /// that whoever reads it later finds a database in both cases.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">It cannot run here, or <c>Postgres:Embedded</c> is false.</exception>
    public static async Task<EmbeddedPostgres?> StartUnlessConfiguredAsync(IConfiguration configuration, ILogger logger, CancellationToken ct)
    {
        if (!string.IsNullOrEmpty(configuration.GetConnectionString("Sync")))
        {
            return null;
        }
        if (!configuration.GetValue("Postgres:Embedded", defaultValue: true))
        {
            throw new EmbeddedPostgresException(
                "ConnectionStrings:Sync is not set, and Postgres:Embedded is false (as in the container image). Give the " +
                "connection string of a PostgreSQL 15 or later, for example in the environment: " +
                "ConnectionStrings__Sync='Host=db.example.com;Database=sync;Username=sync;Password=…'");
        }
        var postgres = await StartAsync(EmbeddedPostgresOptions.From(configuration, logger), ct);
        configuration["ConnectionStrings:Sync"] = postgres.ConnectionString;
        return postgres;
    }

    /// <summary>Makes the cluster where there is none, and starts it where it does not run already.</summary>
    /// <exception cref="EmbeddedPostgresException">It cannot run here; nothing is left running.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(EmbeddedPostgresOptions options, CancellationToken ct)
    {
        try
        {
            var configured = ClusterPlace.Of(options.DataDirectory).Configured;
            Directory.CreateDirectory(Path.GetDirectoryName(configured)!);
            var entered = await ClusterShare.EnterAsync(configured, ct);
            // Looked at again: another server may have made the cluster, and with it a link, in the meantime.
            var postgres = new EmbeddedPostgres(ClusterPlace.Of(options.DataDirectory), entered, options.Logger);
            try
            {
                await postgres.OpenAsync(options, ct);
                entered.Entered();
                return postgres;
            }
            catch
            {
                await postgres.DisposeAsync();
                throw;
            }
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new EmbeddedPostgresException(
                $"The embedded PostgreSQL cannot use {options.DataDirectory}: {denied.Message} " +
                "Start the server as the owner of that directory, or set Postgres:DataDirectory to another one.", denied);
        }
    }

    /// <summary>Stops the cluster, unless another server still uses it. A repeat does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 1)
        {
            return;
        }
        if (keeper is not null)
        {
            await keeper.DisposeAsync();
        }
        if (ConnectionString.Length > 0)
        {
            await using var pooled = new NpgsqlConnection(ConnectionString);
            NpgsqlConnection.ClearPool(pooled);
        }
        using (share)
        {
            if (!await share.LeaveAsync(CancellationToken.None))
            {
                Log.EmbeddedPostgresStillInUse(logger, place.Configured);
            }
            else if (cluster is not null)
            {
                await StopAsync(cluster);
            }
        }
    }

    private async Task StopAsync(Cluster last)
    {
        if (await last.StopAsync())
        {
            Log.EmbeddedPostgresStopped(logger, place.Configured);
        }
        else
        {
            Log.EmbeddedPostgresNotStopped(logger, place.Configured);
        }
    }

    private async Task OpenAsync(EmbeddedPostgresOptions options, CancellationToken ct)
    {
        var account = await Unprivileged.ForAsync(place.Path, ct);
        var reachable = await place.ReachableByAsync(account, ct);
        var programs = new ClusterPrograms(await PostgresBinaries.FindAsync(options.BinDirectory, reachable.Major, ct), account);
        if (reachable.Major is null)
        {
            Log.EmbeddedPostgresInitialising(logger, reachable.Path);
            await NewCluster.MakeAsync(options, reachable, programs, ct);
        }
        cluster = new Cluster(options, reachable, programs);
        var (connection, adopted) = await cluster.RunAsync(ct);
        await CreateDatabaseAsync(connection, ct);
        connection.Database = Database;
        ConnectionString = connection.ConnectionString;
        keeper = new ClusterKeeper(cluster, logger);
        if (adopted)
        {
            Log.EmbeddedPostgresAdopted(logger, programs.Binaries.Major, reachable.Path);
        }
        else
        {
            Log.EmbeddedPostgresStarted(logger, programs.Binaries.Major, reachable.Path);
        }
    }

    private static async Task CreateDatabaseAsync(NpgsqlConnectionStringBuilder connection, CancellationToken ct)
    {
        var unpooled = new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Pooling = false };
        await using var postgres = new NpgsqlConnection(unpooled.ConnectionString);
        await postgres.OpenAsync(ct);
        await using var exists = new NpgsqlCommand($"SELECT 1 FROM pg_database WHERE datname = '{Database}'", postgres);
        if (await exists.ExecuteScalarAsync(ct) is null)
        {
            // It copies files, which a busy disk takes its time for; the start may be cancelled.
            await using var create = new NpgsqlCommand($"CREATE DATABASE {Database}", postgres) { CommandTimeout = 0 };
            await create.ExecuteNonQueryAsync(ct);
        }
    }
}
