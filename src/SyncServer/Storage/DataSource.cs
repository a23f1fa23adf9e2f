using System.Globalization;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>Makes the one pool of connections that everything shares.</summary>
internal static class DataSource
{
    /// <summary>How the server's sessions are named in <c>pg_stat_activity</c>.</summary>
    public const string ApplicationName = "SyncServer";

    /// <summary>
    /// Seconds that the client waits longer than the server: a statement that takes too long ends with PostgreSQL's own
    /// error, and the connection stays usable.
    /// </summary>
    private const int ClientPatience = 5;

    /// <summary>
    /// A data source for <paramref name="connectionString"/>. <c>Database:*</c> decides what it has a setting for; of
    /// the connection string's own <c>Options</c> every one is kept, and wins.
    /// </summary>
    public static NpgsqlDataSource Create(string connectionString, DatabaseOptions database, ILoggerFactory? loggers = null) =>
        Builder(connectionString, database, loggers).Build();

    /// <summary>
    /// A data source of its own for who needs <paramref name="connections"/> whatever others do. Its sessions are handed on
    /// as they are: whoever uses it changes nothing that outlasts a transaction. Statements are prepared when they are first sent.
    /// </summary>
    public static NpgsqlDataSource CreateReserved(string connectionString, DatabaseOptions database, int connections, ILoggerFactory? loggers = null)
    {
        var source = Builder(connectionString, database, loggers);
        source.ConnectionStringBuilder.MaxPoolSize = connections;
        source.ConnectionStringBuilder.NoResetOnClose = true;
        source.ConnectionStringBuilder.AutoPrepareMinUsages = 1;
        return source.Build();
    }

    private static NpgsqlDataSourceBuilder Builder(string connectionString, DatabaseOptions database, ILoggerFactory? loggers)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString).UseLoggerFactory(loggers);
        var settings = source.ConnectionStringBuilder;
        settings.ApplicationName ??= ApplicationName;
        settings.Options = $"{Timeouts(database)} {settings.Options}".TrimEnd();
        settings.CommandTimeout = database.StatementTimeout == TimeSpan.Zero
            ? 0
            : (int)Math.Ceiling(database.StatementTimeout.TotalSeconds) + ClientPatience;
        settings.MaxPoolSize = database.MaxPoolSize;
        settings.MaxAutoPrepare = database.MaxAutoPrepare;
        settings.Multiplexing = false;
        return source;
    }

    // As options of the session's start, they hold again after every reset of a pooled connection.
    private static string Timeouts(DatabaseOptions database) =>
        $"-c lock_timeout={Milliseconds(database.LockTimeout)}"
        + $" -c statement_timeout={Milliseconds(database.StatementTimeout)}"
        + $" -c idle_in_transaction_session_timeout={Milliseconds(database.IdleInTransactionTimeout)}";

    private static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
}
