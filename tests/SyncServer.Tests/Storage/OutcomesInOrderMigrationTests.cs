using Microsoft.EntityFrameworkCore;

namespace SyncServer.Tests.Storage;

/// <summary>The index of whole outcomes is replaced where there are some, and after runs that were interrupted.</summary>
public sealed class OutcomesInOrderMigrationTests
{
    private const string Before = "20261128010000_Figures";

    private const string Indexes = """
        SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' invalid' END FROM pg_index
        WHERE indrelid = 'outcomes'::regclass AND NOT indisprimary ORDER BY 1
        """;

    private const string BySpace = "CREATE INDEX ix_outcomes_whole ON public.outcomes USING btree (space_id, decided_at) WHERE (body IS NOT NULL)";
    private const string InOrder = "CREATE INDEX ix_outcomes_whole ON public.outcomes USING btree (decided_at) WHERE (body IS NOT NULL)";

    // What a run leaves that is ended in the middle.
    private const string Unfinished = "CREATE INDEX ix_outcomes_whole_new ON outcomes (state)";

    [Fact]
    public async Task Outcomes_are_found_by_time_and_by_space_again()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        await db.Database.MigrateAsync(Before);
        await database.LinesAsync("""
            INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, body, decided_at)
            SELECT md5(n::text)::uuid, 'alice', n::text, '', 1, 201, CASE WHEN n > 2 THEN 'body'::bytea END, '2026-11-20' FROM generate_series(1, 5) AS n
            """);
        await database.LinesAsync(Unfinished);
        Assert.Contains(BySpace, await database.LinesAsync(Indexes));

        await database.MigrateAsync();
        Assert.Equal([InOrder], await database.LinesAsync(Indexes));
        Assert.Equal(["3", "4", "5"], await FoundAsync());

        // Ended behind its last statement, before it was written down.
        await database.LinesAsync("""DELETE FROM "__EFMigrationsHistory" WHERE "MigrationId" LIKE '%OutcomesInOrder' """);
        await database.MigrateAsync();
        Assert.Equal([InOrder], await database.LinesAsync(Indexes));

        await database.LinesAsync(Unfinished);
        await db.Database.MigrateAsync(Before);
        Assert.Equal([BySpace], await database.LinesAsync(Indexes));
        Assert.Equal(["3", "4", "5"], await FoundAsync());

        Task<string[]> FoundAsync() => database.LinesAsync("SELECT op_id FROM outcomes WHERE body IS NOT NULL AND decided_at = '2026-11-20' ORDER BY op_id");
    }
}
