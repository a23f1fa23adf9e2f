using Microsoft.EntityFrameworkCore;

namespace SyncServer.Tests.Storage;

/// <summary>What the migration makes of figures that stand in a table of their own, and how it gives them back.</summary>
public sealed class FiguresMigrationTests
{
    private const string Before = "20261127010000_WholeKeys";

    private const string Totals = "SELECT concat_ws(' ', right(space_id::text, 1), t.*) FROM totals t ORDER BY space_id, entity";

    [Fact]
    public async Task Existing_figures_move_into_the_rows_of_their_spaces_and_back()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var source = database.Open();
        await using var db = ScratchDatabase.Context(source);
        await db.Database.MigrateAsync(Before);
        await database.LinesAsync("""
            INSERT INTO spaces (space_id, head, tombstone_horizon, history_horizon, personal, created_at)
            SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, n, 0, 0, true, '2026-11-20' FROM generate_series(1, 3) AS n;
            INSERT INTO totals (space_id, entity, live, sum, applied, merged, parked, refused, replayed, reused, opened, resolved)
            SELECT ('00000000-0000-0000-0000-00000000000' || space)::uuid, entity, live, sum, 1, 2, 3, 4, 5, 6, 7, 8
            FROM (VALUES
                (1, 'note', 9007199254740993, 18446744073709551615), (1, '$member', 1, 9223372036854775808), (1, 'a', 2, 9223372036854775807),
                (3, 'note', 1, 255), (3, 'none', 0, 0)) AS t(space, entity, live, sum);
            INSERT INTO totals (space_id, entity, live, sum, applied, merged, parked, refused, replayed, reused, opened, resolved)
            VALUES ('00000000-0000-0000-0000-000000000003', '', 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)
            """);
        var totals = await database.LinesAsync(Totals);

        await database.MigrateAsync();
        const string Rest = "\"applied\":1,\"merged\":2,\"parked\":3,\"refused\":4,\"replayed\":5,\"reused\":6,\"opened\":7,\"resolved\":8}";
        Assert.Equal(
            [
                """1 {"$member":{"live":1,"sum":"8000000000000000",""" + Rest
                    + ""","a":{"live":2,"sum":"7fffffffffffffff",""" + Rest
                    + ""","note":{"live":9007199254740993,"sum":"ffffffffffffffff",""" + Rest + "}",
                "2 {}",
                """3 {"":{"refused":1},"none":{""" + Rest + ""","note":{"live":1,"sum":"00000000000000ff",""" + Rest + "}",
            ],
            await database.LinesAsync("SELECT head || ' ' || figures FROM spaces ORDER BY space_id"));

        await db.Database.MigrateAsync(Before);
        Assert.Equal(6, totals.Length);
        Assert.Equal(totals, await database.LinesAsync(Totals));
    }
}
