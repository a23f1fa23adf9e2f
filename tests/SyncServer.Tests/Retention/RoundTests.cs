using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Retention;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;

namespace SyncServer.Tests.Retention;

/// <summary>How rounds get over spaces that cannot be purged now.</summary>
[Collection(RetentionServersCollection.Name)]
public sealed class RoundTests(RetentionServers servers)
{
    private const string Whole = "SELECT count(*)::text FROM outcomes WHERE space_id = $space AND body IS NOT NULL";

    [Fact]
    public async Task A_space_that_somebody_holds_is_purged_later_and_keeps_nobody_from_the_others()
    {
        await using var hasty = await servers.StartAsync("--Database:LockTimeout=00:00:00.100");
        var (held, free) = (servers.New(), servers.New());
        await held.PushAsync("create", "n", 0, "{}");
        await free.PushAsync("create", "n", 0, "{}");
        servers.Wait(2);

        await using var holder = new NpgsqlConnection(servers.ConnectionString);
        await holder.OpenAsync();
        await using (var hold = await holder.BeginTransactionAsync())
        {
            await using var take = new NpgsqlCommand("SELECT FROM spaces WHERE space_id = $1 FOR UPDATE", holder);
            take.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(await servers.SpaceIdAsync(held)) });
            await take.ExecuteNonQueryAsync();
            await RetentionServers.PurgeAsync(hasty);
            Assert.Equal(["1", "0"], [.. await servers.LinesAsync(held, Whole), .. await servers.LinesAsync(free, Whole)]);
        }

        await RetentionServers.PurgeAsync(hasty);
        Assert.Equal(["0"], await servers.LinesAsync(held, Whole));
    }

    [Fact]
    public async Task A_space_that_fails_for_good_keeps_nobody_from_the_others()
    {
        var (broken, one, other) = (servers.New(), servers.New(), servers.New());
        Device[] all = [broken, one, other];
        foreach (var phone in all)
        {
            await phone.PushAsync("create", "n", 0, "{}");
        }

        await servers.LinesAsync(broken, """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END';
            CREATE TRIGGER refuse BEFORE UPDATE ON outcomes FOR EACH ROW WHEN (NEW.space_id = $space) EXECUTE FUNCTION refuse()
            """);
        await servers.LaterAsync(2);
        Assert.Equal(["1", "0", "0"], await WholeAsync(all));

        await servers.LinesAsync(broken, "DROP FUNCTION refuse() CASCADE");
        await servers.LaterAsync(0);
        Assert.Equal(["0", "0", "0"], await WholeAsync(all));
    }

    [Fact]
    public async Task A_server_whose_clock_is_not_the_databases_purges_nothing()
    {
        await using var wrong = await servers.StartAsync("--Sync:Retention:ClockTolerance=01:00:00");
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        servers.Wait(2);
        await RetentionServers.PurgeAsync(wrong);
        Assert.Equal(["1"], await WholeAsync(phone));
        await servers.LaterAsync(0);
        Assert.Equal(["0"], await WholeAsync(phone));
    }

    [Fact]
    public async Task A_space_with_more_than_a_round_takes_has_its_turn_again_in_the_next_one_however_many_spaces_there_are()
    {
        // A hundred steps of five hundred rows, and some more.
        const int Rows = 50_100;
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        await servers.LinesAsync(phone, $"""
            INSERT INTO outcomes SELECT (jsonb_populate_record(o, jsonb_build_object('op_id', 'more' || i))).*
            FROM outcomes o, generate_series(2, {Rows}) i WHERE space_id = $space
            """);
        await servers.LinesAsync(phone, $"""
            INSERT INTO spaces SELECT (jsonb_populate_record(s, jsonb_build_object(
                'space_id', 'ffffffff-ffff-4fff-bfff-' || lpad(to_hex(i), 12, '0'), 'head', 0))).*
            FROM spaces s, generate_series(1, {DueSpaces.SpacesMax}) i WHERE space_id = $space
            """);
        servers.Wait(2);
        var round = servers.B.App.Services.GetRequiredService<RetentionRound>();
        for (var looks = 0; looks < 3 && await WholeAsync(phone) is [var whole] && whole == $"{Rows}"; looks++)
        {
            await round.RunAsync(default);
        }

        Assert.Equal(["100"], await WholeAsync(phone));
        await round.RunAsync(default);
        Assert.Equal(["0"], await WholeAsync(phone));
        await servers.LinesAsync(phone, "DELETE FROM spaces WHERE space_id >= 'ffffffff-ffff-4fff-bfff-000000000000'");
    }

    [Fact]
    public async Task A_round_over_a_space_that_is_erased_meanwhile_leaves_nothing_behind()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        var space = Guid.Parse(await servers.SpaceIdAsync(phone));
        Assert.Equal(204, (await phone.EraseSpaceAsync("me")).Status);
        servers.Wait(100);
        var purge = servers.A.App.Services.GetRequiredService<SpacePurge>();
        var cutoffs = new Core.Retention.Cutoffs(DateTimeOffset.MaxValue, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue);
        Assert.Equal(default, await purge.LogAsync(space, cutoffs, default));
        Assert.Equal(default, await purge.OutcomesAsync(space, cutoffs, default));
        Assert.Equal(default, await purge.UnchangedAsync(space, cutoffs, default));
    }

    [Fact]
    public async Task A_server_purges_by_itself()
    {
        await using var server = await servers.StartAsync("--Sync:Retention:Interval=00:00:00.050");
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        servers.Wait(2);
        await Patience.UntilAsync(async () => (await servers.LinesAsync(phone, Whole))[0] == "0", "the answer is purged");
    }

    private async Task<string[]> WholeAsync(params Device[] phones)
    {
        var whole = new List<string>();
        foreach (var phone in phones)
        {
            whole.AddRange(await servers.LinesAsync(phone, Whole));
        }

        return [.. whole];
    }
}
