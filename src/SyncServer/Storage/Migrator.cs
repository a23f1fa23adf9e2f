using System.Reflection;
using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>Brings the database to the newest schema. Any number of servers may do so at once.</summary>
/// <remarks>
/// EF Core locks its history table inside the transaction of the migrations, so that lock is gone between a migration
/// and one that runs outside of a transaction, such as CREATE INDEX CONCURRENTLY. The advisory lock here is held by the
/// session that migrates, over all of it, and ends with that session, whatever happens to the process.
/// </remarks>
public sealed class Migrator(NpgsqlDataSource source, TimeProvider time, ILogger<Migrator> logger)
{
    /// <summary>The key of the advisory lock, "SyncSrvr" in ASCII: any number that others in the database do not use.</summary>
    internal const long LockKey = 0x53796E6353727672;

    /// <summary>Bytes of the cursor key: the size of a SHA-256 key.</summary>
    private const int CursorKeyBytes = 32;

    /// <summary>Between two tries for the lock: short beside a migration, long beside a query.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Applies what is missing and makes sure of the <see cref="ServerRow"/>; one that exists is left as it is. A repeat
    /// changes nothing. Returns the names of the migrations that this call applied, oldest first.
    /// </summary>
    public async Task<IReadOnlyList<string>> MigrateAsync(CancellationToken cancel)
    {
        if (await IsCurrentAsync(cancel))
        {
            return [];
        }

        var options = new DbContextOptionsBuilder<SyncDb>().UseNpgsql(source).Options;
        await using var db = new SyncDb(options);
        try
        {
            db.Database.SetCommandTimeout(0);
            await db.Database.OpenConnectionAsync(cancel);
            await LockAsync(db, cancel);
            var pending = await PendingAsync(db, cancel);
            await db.Database.MigrateAsync(cancel);
            await InsertServerAsync(db, cancel);
            foreach (var migration in pending)
            {
                logger.MigrationApplied(migration);
            }

            return pending;
        }
        finally
        {
            // The pool would keep the session, and with it the lock, until its next use. Cleared, it ends it now.
            source.Clear();
        }
    }

    /// <summary>
    /// Whether there is nothing to do, in one statement. EF Core would build its model and load its migrations to say so, which
    /// takes longer than the rest of a start; and nobody who finds the schema current has to wait for the lock.
    /// </summary>
    private async Task<bool> IsCurrentAsync(CancellationToken cancel)
    {
        var missing = typeof(Migrator).Assembly.GetTypes()
            .Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id)
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        try
        {
            await using var applied = source.CreateCommand("""SELECT "MigrationId" FROM "__EFMigrationsHistory" WHERE EXISTS (SELECT FROM server)""");
            await using var reader = await applied.ExecuteReaderAsync(cancel);
            while (await reader.ReadAsync(cancel))
            {
                missing.Remove(reader.GetString(0));
            }

            return missing.Count == 0;
        }
        catch (PostgresException absent) when (absent.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return false;
        }
    }

    // Asking a database without a history what is applied would log an error on every first start.
    private static async Task<string[]> PendingAsync(SyncDb db, CancellationToken cancel) =>
        await db.GetService<IHistoryRepository>().ExistsAsync(cancel)
            ? [.. await db.Database.GetPendingMigrationsAsync(cancel)]
            : [.. db.Database.GetMigrations()];

    // The lock is tried again and again instead of waited for: a waiting statement has a snapshot, and CREATE INDEX
    // CONCURRENTLY of the holder would wait for that in turn. The lock timeout stays: a migration that queues for a
    // busy table stops everybody behind it, so it has to give up soon.
    private static async Task LockAsync(SyncDb db, CancellationToken cancel)
    {
        await db.Database.ExecuteSqlRawAsync(
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0", cancel);
        while (!await db.Database.SqlQuery<bool>($"""SELECT pg_try_advisory_lock({LockKey}) AS "Value" """).SingleAsync(cancel))
        {
            await Task.Delay(Pause, cancel);
        }
    }

    private async Task InsertServerAsync(SyncDb db, CancellationToken cancel)
    {
        var marks = await new ServerTable(logger).MarksAsync((NpgsqlConnection)db.Database.GetDbConnection(), cancel);
        var cursorKey = RandomNumberGenerator.GetBytes(CursorKeyBytes);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO server (id, epoch, system_identifier, timeline, cursor_key, created_at)
            VALUES ({ServerRow.OnlyId}, {ServerTable.NewEpoch()}, {marks.SystemIdentifier}, {marks.Timeline}, {cursorKey}, {time.GetUtcNow()})
            ON CONFLICT (id) DO NOTHING
            """,
            cancel);
    }
}
