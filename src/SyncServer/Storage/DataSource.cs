using System.Globalization;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>Makes the one pool of connections that everything shares.</summary>
internal static class DataSource
{
    /// <summary>How the server's sessions are named in <c>pg_stat_activity</c>.</summary>
    public const string ApplicationName = "SyncServer";

    /// <summary>What is added to that name for sessions beside the pool.</summary>
    public const string OwnSession = " hints";

    /// <summary>
    /// Seconds that the client waits longer than the server: a statement that takes too long ends with PostgreSQL's own
    /// error, and the connection stays usable.
    /// </summary>
    private const int ClientPatience = 5;

    /// <summary>
    /// One plan for each statement, which holds whatever the size of the tables. Left alone, PostgreSQL plans an idle pull
    /// anew each time, because that looks cheap beside a plan for any pull; planning takes ten times as long as running it.
    /// A plan that is kept stays until the statistics change, so one that was made for an almost empty table must not read
    /// the whole table when it has grown: every statement for which there is an index uses it, and rows are joined one by one, by key.
    /// And the estimate for a large space must not have a statement compiled that then reads one page of it.
    /// </summary>
    internal const string Plans =
        "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";

    /// <summary>
    /// A data source for <paramref name="connectionString"/>. <c>Database:*</c> decides what it has a setting for; of
    /// the connection string's own <c>Options</c> every one is kept, and wins.
    /// </summary>
    /// <param name="inspect">Called with each new connection before its first use; where it fails, so does the opening.</param>
    /// <param name="poolSize">Connections at most, in place of what <c>Database:*</c> says of requests'.</param>
    /// <param name="writeBuffer">Bytes that go to PostgreSQL at once, in place of Npgsql's 8 KiB.</param>
    public static NpgsqlDataSource Create(
        string connectionString, DatabaseOptions database, ILoggerFactory? loggers = null, Func<NpgsqlConnection, Task>? inspect = null, int? poolSize = null,
        int? writeBuffer = null)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString).UseLoggerFactory(loggers);
        var settings = source.ConnectionStringBuilder;
        settings.ApplicationName ??= ApplicationName;
        settings.Options = $"{Timeouts(database)} {Plans} {settings.Options}".TrimEnd();
        settings.CommandTimeout = database.StatementTimeout == TimeSpan.Zero
            ? 0
            : (int)Math.Ceiling(database.StatementTimeout.TotalSeconds) + ClientPatience;
        settings.MaxPoolSize = poolSize ?? database.MaxPoolSize;
        settings.MaxAutoPrepare = database.MaxAutoPrepare;
        settings.Multiplexing = false;
        settings.WriteBufferSize = Math.Max(writeBuffer ?? 0, settings.WriteBufferSize);
        // A reset before each use would cost more than an idle pull. Whoever sets something for a session, beyond its
        // transaction, clears the pool behind itself.
        settings.NoResetOnClose = true;
        if (inspect is not null)
        {
            source.UsePhysicalConnectionInitializer(opened => Task.Run(() => inspect(opened)).GetAwaiter().GetResult(), inspect);
        }

        return source.Build();
    }

    /// <summary>The same without a pool: every connection is a session of its own, beyond <c>MaxPoolSize</c>, for whoever keeps it.</summary>
    public static NpgsqlDataSource CreateUnpooled(string connectionString, DatabaseOptions database, ILoggerFactory loggers)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        settings.ApplicationName = (settings.ApplicationName ?? ApplicationName) + OwnSession;
        return Create(settings.ConnectionString, database, loggers);
    }

    // As options of the session's start, they hold before the first statement, and again after a reset.
    private static string Timeouts(DatabaseOptions database) =>
        $"-c lock_timeout={Milliseconds(database.LockTimeout)}"
        + $" -c statement_timeout={Milliseconds(database.StatementTimeout)}"
        + $" -c idle_in_transaction_session_timeout={Milliseconds(database.IdleInTransactionTimeout)}";

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
