using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SyncServer.Storage;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Storage;

public sealed class MigratorTests
{
    [Fact]
    public async Task Of_servers_that_migrate_at_once_one_applies_each_migration_and_all_succeed()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        var applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(database.MigrateAsync)));
        var migrations = Migrations(database);
        Assert.Equal(migrations, applied.SelectMany(names => names));
        Assert.Equal([$"1 {migrations.Length}"], await database.LinesAsync(
            """SELECT (SELECT count(*) FROM server) || ' ' || (SELECT count(*) FROM "__EFMigrationsHistory")"""));
    }

    [Fact]
    public async Task A_migration_waits_for_another_session_that_migrates()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        var source = database.Open();
        var holder = await source.OpenConnectionAsync();
        await using var hold = new NpgsqlCommand($"SELECT pg_advisory_lock({Migrator.LockKey})", holder);
        await hold.ExecuteNonQueryAsync();
        var migration = Task.Run(database.MigrateAsync);
        await Patience.UntilAsync(async () => (await database.LinesAsync(
            """
            SELECT query FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_try_advisory_lock%'
            """)).Length > 0, "the migration asks for the lock");
        Assert.Empty(await database.LinesAsync("SELECT relname::text FROM pg_class WHERE relname = 'spaces'"));
        await holder.DisposeAsync();
        await source.DisposeAsync();
        Assert.Equal(Migrations(database), await migration);
    }

    [Fact]
    public async Task A_server_that_has_migrated_and_runs_on_holds_up_nobody()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var running = database.Open();
        await new Migrator(running, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(default);
        Assert.Empty(await database.MigrateAsync().WaitAsync(Patience.Whole));
    }

    [Fact]
    public async Task A_repeat_applies_nothing_and_keeps_the_identity()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var first = await ServerAsync(database);
        Assert.Empty(await database.MigrateAsync());
        Assert.Equivalent(first, await ServerAsync(database), strict: true);
    }

    [Fact]
    public async Task The_identity_is_random_and_names_the_cluster()
    {
        await using var one = await ScratchDatabase.MigratedAsync();
        await using var other = await ScratchDatabase.MigratedAsync();
        var (a, b) = (await ServerAsync(one), await ServerAsync(other));
        Assert.Matches("^[0-9a-f]{32}$", a.Epoch);
        Assert.Equal(32, a.CursorKey.Length);
        Assert.NotEqual(a.Epoch, b.Epoch);
        Assert.NotEqual(a.CursorKey, b.CursorKey);
        var cluster = await one.LinesAsync("SELECT system_identifier::text FROM pg_control_system()");
        Assert.Equal(cluster.Single(), a.SystemIdentifier);
    }

    [Fact]
    public async Task Json_is_given_back_as_it_came()
    {
        const string data = """{ "b":1.0, "a":1e300, "é": [ ] }""";
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var source = database.Open();
        await using (var db = ScratchDatabase.Context(source))
        {
            db.Records.Add(new RecordRow
            {
                SpaceId = Guid.NewGuid(),
                Entity = "note",
                RecordId = "1",
                Rev = 1,
                Seq = 1,
                Data = data,
                UpdatedAt = DateTimeOffset.UnixEpoch,
                UpdatedBy = "alice",
                OpId = "op",
            });
            await db.SaveChangesAsync();
        }

        await using var again = ScratchDatabase.Context(source);
        Assert.Equal(data, (await again.Records.SingleAsync()).Data);
    }

    private static async Task<ServerRow> ServerAsync(ScratchDatabase database)
    {
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        return await db.Server.SingleAsync();
    }

    private static string[] Migrations(ScratchDatabase database)
    {
        using var source = database.Open();
        using var db = ScratchDatabase.Context(source);
        return [.. db.Database.GetMigrations()];
    }
}
