namespace SyncServer.Storage;

/// <summary>What operators may set under <c>Database:</c>. The connection string is <c>ConnectionStrings:Sync</c>.</summary>
public sealed class DatabaseOptions
{
    /// <summary>The section that these are read from.</summary>
    public const string Section = "Database";

    /// <summary>
    /// Five seconds: a group of pushes holds its spaces for milliseconds, so whoever waits this long waits for something
    /// that is stuck, and the client's repeat is safe.
    /// </summary>
    public static readonly TimeSpan DefaultLockTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Fifteen seconds: hundreds of times what the largest page or batch takes, and less than clients wait.</summary>
    public static readonly TimeSpan DefaultStatementTimeout = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Ten seconds: the server never waits for a client inside a transaction, so an idle one belongs to a process that
    /// froze, and the spaces that it locked must become free.
    /// </summary>
    public static readonly TimeSpan DefaultIdleInTransactionTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Forty: two servers fit into PostgreSQL's default of 100 connections with room for operators.</summary>
    public const int DefaultMaxPoolSize = 40;

    /// <summary>A hundred: the server has some tens of hot statements; the rest is for what EF Core writes.</summary>
    public const int DefaultMaxAutoPrepare = 100;

    /// <summary>Whether to migrate before the first request. Not set: only in Development.</summary>
    public bool? MigrateOnStart { get; set; }

    /// <summary>Turns the refusal of settings that lose acknowledged writes in a crash into a warning; for tests only.</summary>
    public bool AllowUnsafeSettings { get; set; }

    /// <summary>
    /// Whether another timeline of PostgreSQL is another history. A promoted standby may lack what was acknowledged last, and
    /// nobody can see whether it does. Off: for who knows that no failover loses anything, because every commit waits for the standby.
    /// </summary>
    public bool EpochPerTimeline { get; set; } = true;

    /// <summary>How long a statement waits for a lock. Zero: for ever.</summary>
    public TimeSpan LockTimeout { get; set; } = DefaultLockTimeout;

    /// <summary>How long a statement may run. Zero: for ever. Long work sets its own inside its transaction.</summary>
    public TimeSpan StatementTimeout { get; set; } = DefaultStatementTimeout;

    /// <summary>How long a transaction may stand idle before PostgreSQL ends its session. Zero: for ever.</summary>
    public TimeSpan IdleInTransactionTimeout { get; set; } = DefaultIdleInTransactionTimeout;

    /// <summary>Connections of this process at most.</summary>
    public int MaxPoolSize { get; set; } = DefaultMaxPoolSize;

    /// <summary>Prepared statements per connection at most.</summary>
    public int MaxAutoPrepare { get; set; } = DefaultMaxAutoPrepare;
}
