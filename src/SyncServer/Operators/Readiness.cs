using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Operators;

/// <summary>
/// Asks the database whether it can take writes that last. However many probes come, it is asked by one at a time and
/// about once a second, so probes cannot be used to load it.
/// </summary>
public sealed class Readiness(
    IDbContextFactory<SyncDb> databases, IOptions<DatabaseOptions> options, TimeProvider time, ILogger<Readiness> logger)
{
    /// <summary>How long an answer is repeated: shorter than any probe's period, so each sees news.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    /// <summary>How long the database has to answer: orchestrators wait about that long; late is as bad as never.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<HealthReport>? _latest;
    private long _askedAt;
    private string _unsafe = "";

    /// <summary>The report of the check under way, or one at most a second old. Never fails: trouble is a failed check.</summary>
    public Task<HealthReport> CheckAsync()
    {
        lock (_lock)
        {
            if (_latest is null || (_latest.IsCompleted && time.GetElapsedTime(_askedAt) >= Freshness))
            {
                _askedAt = time.GetTimestamp();
                _latest = AskAsync();
            }

            return _latest;
        }
    }

    private async Task<HealthReport> AskAsync()
    {
        using var deadline = new CancellationTokenSource(Patience, time);
        try
        {
            await using var db = await databases.CreateDbContextAsync(deadline.Token);
            var session = await db.Database.SqlQuery<Session>(
                $"""
                SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS "ReadOnly",
                    concat_ws(', ',
                        CASE WHEN current_setting('fsync') = 'off' THEN 'fsync is off' END,
                        CASE WHEN current_setting('synchronous_commit') = 'off' THEN 'synchronous_commit is off' END,
                        CASE WHEN current_setting('full_page_writes') = 'off' THEN 'full_page_writes is off' END) AS "Unsafe"
                """).SingleAsync(deadline.Token);
            var pending = await db.Database.GetPendingMigrationsAsync(deadline.Token);
            return new HealthReport(
                [new HealthCheck("database", HealthStatus.Pass), Primary(session), Schema(pending), Durability(session)]);
        }
        // EF Core gives what may be transient, such as a refused connection, as an InvalidOperationException.
        catch (Exception failure) when (failure is NpgsqlException or OperationCanceledException or InvalidOperationException)
        {
            logger.DatabaseDoesNotAnswer(Unavailability.CauseOf(failure) ?? failure.GetBaseException().GetType().Name);
            return new HealthReport([new HealthCheck("database", HealthStatus.Fail, "does not answer")]);
        }
    }

    private static HealthCheck Primary(Session session) => session.ReadOnly
        ? new HealthCheck("primary", HealthStatus.Fail, "takes no writes")
        : new HealthCheck("primary", HealthStatus.Pass);

    // Migrations that only a newer server knows are no fault: a deployment migrates before it replaces the servers.
    private static HealthCheck Schema(IEnumerable<string> pending) => pending.LastOrDefault() is { } newest
        ? new HealthCheck("schema", HealthStatus.Fail, $"{newest} is not applied")
        : new HealthCheck("schema", HealthStatus.Pass);

    private HealthCheck Durability(Session session)
    {
        if (session.Unsafe != _unsafe && session.Unsafe.Length > 0)
        {
            logger.UnsafeSettings(session.Unsafe);
        }

        _unsafe = session.Unsafe;
        if (_unsafe.Length == 0)
        {
            return new HealthCheck("durability", HealthStatus.Pass);
        }

        var status = options.Value.AllowUnsafeSettings ? HealthStatus.Warn : HealthStatus.Fail;
        return new HealthCheck("durability", status, _unsafe);
    }

    private sealed record Session(bool ReadOnly, string Unsafe);
}
