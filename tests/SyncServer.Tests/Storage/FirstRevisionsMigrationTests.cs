using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using SyncServer.Storage.Migrations;

namespace SyncServer.Tests.Storage;

/// <summary>What the migration makes of a log that was written before it, and how it gives it back.</summary>
public sealed class FirstRevisionsMigrationTests
{
    private const string Before = "20261128010000_Figures";

    // Twenty-four thousand changes are some steps of the migration. Of the note named purged the first one is gone.
    private const string Log = """
        INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, at, tag, bytes)
        SELECT ('00000000-0000-0000-0000-00000000000' || space)::uuid, seq, entity, id, rev, 2, seq::text, 'alice', 'phone', '2026-11-20', seq, 2
        FROM (
            SELECT * FROM (VALUES
                (1, 1, 'note', 'a', 1), (1, 2, 'note', 'b', 1), (1, 3, 'note', 'a', 2), (1, 4, 'note', 'a', 3), (1, 5, 'task', 'a', 1),
                (1, 6, 'task', 'a', 2), (3, 2, 'note', 'a', 1), (3, 3, 'note', 'a', 2), (3, 4, 'note', 'purged', 2)) AS few(space, seq, entity, id, rev)
            UNION ALL SELECT 2, n, 'note', (n % 12000)::text, 1 + (n - 1) / 12000 FROM generate_series(1, 24000) AS n) AS change
        """;

    private const string Indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'changes' ORDER BY indexname";

    private const string Key = "CREATE UNIQUE INDEX pk_changes ON public.changes USING btree (space_id, seq)";

    private const string Revisions = "CREATE UNIQUE INDEX ux_changes_rev ON public.changes USING btree (space_id, entity, record_id, rev)";

    [Fact]
    public async Task The_second_changes_of_records_say_where_the_first_ones_are_and_creates_are_in_no_index_of_revisions()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        await db.Database.MigrateAsync(Before);
        await database.LinesAsync(Log);
        await database.MigrateAsync();
        await AssertFilledAsync(database);

        await db.Database.MigrateAsync(Before);
        Assert.Equal([Key, Revisions], await database.LinesAsync(Indexes));
        Assert.Equal(["24009"], await database.LinesAsync("SELECT count(*)::text FROM changes WHERE rev > 0"));
        await database.MigrateAsync();
        await AssertFilledAsync(database);
    }

    [Fact]
    public async Task A_migration_that_was_interrupted_goes_on_where_it_was()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        await db.Database.MigrateAsync(Before);
        await database.LinesAsync(Log);
        await database.LinesAsync("""
            ALTER TABLE changes ADD COLUMN first_seq bigint;
            UPDATE changes SET first_seq = seq - 12000 WHERE rev = 2 AND right(space_id::text, 1) = '2' AND seq < 20000;
            CREATE INDEX ux_changes_rev_new ON changes (rev)
            """);
        await database.MigrateAsync();
        await AssertFilledAsync(database);
    }

    [Fact]
    public void What_is_written_while_the_index_is_made_is_looked_at_before_the_old_one_goes()
    {
        var steps = new FirstRevisions().UpOperations.Cast<SqlOperation>().Select(step => step.Sql).ToList();
        int Last(string text) => steps.FindLastIndex(sql => sql.Contains(text, StringComparison.Ordinal));
        int[] order = [Last("ADD COLUMN"), Last("INDEX CONCURRENTLY ux_changes_rev_new"), Last("SET first_seq"), Last("DROP INDEX ux_changes_rev;")];
        Assert.Equal(order.Order(), order);
        Assert.Equal(2, steps.Count(sql => sql.Contains("SET first_seq", StringComparison.Ordinal)));
    }

    private static async Task AssertFilledAsync(ScratchDatabase database)
    {
        Assert.Equal(
            ["1 note 3 1", "1 task 6 5", "3 note 3 2"],
            await database.LinesAsync("""
                SELECT concat_ws(' ', right(space_id::text, 1), entity, seq, first_seq) FROM changes
                WHERE first_seq IS NOT NULL AND NOT (right(space_id::text, 1) = '2' AND rev = 2 AND first_seq = seq - 12000)
                ORDER BY space_id, seq
                """));
        Assert.Equal(["12003"], await database.LinesAsync("SELECT count(first_seq)::text FROM changes"));
        Assert.Equal([Key, Revisions + " WHERE (rev > 1)"], await database.LinesAsync(Indexes));
    }
}
