using Npgsql;
using SyncServer.Retention;
using SyncServer.Tests.Storage;

namespace SyncServer.Tests.Retention;

/// <summary>How outcomes are shortened without a lock of their spaces.</summary>
public sealed class OutcomePurgeTests
{
    // Of three spaces in turn, one a second, and written down in another order.
    private const string Load = """
        INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, rev, etag, location, body, decided_at)
        SELECT ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid, 'alice', n::text, '', 1, 201, 1, 'tag', 'place', 'body',
            '2026-11-20Z'::timestamptz + n * interval '1 second'
        FROM generate_series(1, $count) AS n ORDER BY md5(n::text)
        """;

    private const string Whole = "SELECT op_id FROM outcomes WHERE body IS NOT NULL ORDER BY decided_at";

    private const int Many = 100;

    private static readonly DateTimeOffset Midnight = new(2026, 11, 20, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset DayAfter = Midnight.AddDays(1);

    [Fact]
    public async Task A_step_takes_the_oldest_outcomes_past_their_retention_whatever_their_spaces()
    {
        await using var database = await WithOutcomesAsync(OutcomePurge.RowsMax + 200);
        await using var source = database.Open();
        var (purge, cutoff) = (new OutcomePurge(source), Midnight.AddSeconds(OutcomePurge.RowsMax + 50));
        Assert.Equal(new Shortened(OutcomePurge.RowsMax, MayGoOn: true), await purge.RunAsync(cutoff, stepsMax: 1, default));
        Assert.Equal(Numbers(OutcomePurge.RowsMax + 1, 200), await database.LinesAsync(Whole));

        Assert.Equal(new Shortened(50, MayGoOn: false), await purge.RunAsync(cutoff, Many, default));
        Assert.Equal(Numbers(OutcomePurge.RowsMax + 51, 150), await database.LinesAsync(Whole));
        Assert.Equal(["550 3 1 201 1", "150 3 1 201 1 tag place"], await database.LinesAsync("""
            SELECT concat_ws(' ', count(*), count(DISTINCT space_id), state, status, rev, etag, location) FROM outcomes
            GROUP BY state, status, rev, etag, location ORDER BY count(*) DESC
            """));
    }

    [Fact]
    public async Task Outcomes_that_were_decided_together_all_go()
    {
        await using var database = await WithOutcomesAsync((2 * OutcomePurge.RowsMax) + 1);
        await using var source = database.Open();
        await database.LinesAsync("UPDATE outcomes SET decided_at = '2026-11-20Z'");
        Assert.Equal(new Shortened((2 * OutcomePurge.RowsMax) + 1, MayGoOn: false), await new OutcomePurge(source).RunAsync(DayAfter, Many, default));
    }

    [Fact]
    public async Task An_outcome_that_somebody_holds_is_passed_over_and_found_again()
    {
        await using var database = await WithOutcomesAsync(3);
        await using var source = database.Open();
        var purge = new OutcomePurge(source);
        await using (var holder = await source.OpenConnectionAsync())
        await using (var hold = await holder.BeginTransactionAsync())
        {
            await using var resolve = new NpgsqlCommand("UPDATE outcomes SET state = 5 WHERE op_id = '1'", holder);
            await resolve.ExecuteNonQueryAsync();
            Assert.Equal(new Shortened(2, MayGoOn: false), await purge.RunAsync(DayAfter, Many, default));
            Assert.Equal(["1"], await database.LinesAsync(Whole));
            await hold.CommitAsync();
        }

        Assert.Equal(new Shortened(1, MayGoOn: false), await purge.RunAsync(DayAfter, Many, default));
        Assert.Equal(["1 5 -", "2 1 -", "3 1 -"], await database.LinesAsync(
            "SELECT concat_ws(' ', op_id, state, coalesce(body::text, '-')) FROM outcomes ORDER BY op_id"));
    }

    [Fact]
    public async Task Steps_that_meet_share_the_outcomes()
    {
        await using var database = await WithOutcomesAsync(OutcomePurge.RowsMax + 200);
        await using var source = database.Open();
        await using (var other = await source.OpenConnectionAsync())
        await using (var step = await other.BeginTransactionAsync())
        {
            await using var shorten = new NpgsqlCommand(OutcomePurge.Shorten, other);
            shorten.Parameters.Add(new NpgsqlParameter { Value = DateTimeOffset.MinValue });
            shorten.Parameters.Add(new NpgsqlParameter { Value = DayAfter });
            Assert.Equal((long)OutcomePurge.RowsMax, await shorten.ExecuteScalarAsync());
            Assert.Equal(new Shortened(200, MayGoOn: false), await new OutcomePurge(source).RunAsync(DayAfter, Many, default));
            await step.CommitAsync();
        }

        Assert.Empty(await database.LinesAsync(Whole));
    }

    [Fact]
    public async Task A_step_begins_where_the_one_before_ended_and_a_round_at_the_oldest()
    {
        await using var database = await WithOutcomesAsync(OutcomePurge.RowsMax + 1);
        await using var source = database.Open();
        // The first step leaves an outcome behind it that it did not see, as if somebody had held it.
        await database.LinesAsync("""
            CREATE FUNCTION let_go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, body, decided_at)
                VALUES (OLD.space_id, 'alice', 'held', '', 1, 201, '', '2026-11-19Z');
                RETURN NULL;
            END $$;
            CREATE TRIGGER let_go AFTER UPDATE ON outcomes FOR EACH ROW WHEN (OLD.op_id = '1') EXECUTE FUNCTION let_go()
            """);
        var purge = new OutcomePurge(source);
        Assert.Equal(new Shortened(OutcomePurge.RowsMax + 1, MayGoOn: false), await purge.RunAsync(DayAfter, Many, default));
        Assert.Equal(["held"], await database.LinesAsync(Whole));
        Assert.Equal(new Shortened(1, MayGoOn: false), await purge.RunAsync(DayAfter, Many, default));
        Assert.Empty(await database.LinesAsync(Whole));
    }

    private static IEnumerable<string> Numbers(int first, int count) => Enumerable.Range(first, count).Select(number => $"{number}");

    private static async Task<ScratchDatabase> WithOutcomesAsync(int count)
    {
        var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(Load.Replace("$count", $"{count}", StringComparison.Ordinal));
        return database;
    }
}
