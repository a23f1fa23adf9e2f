using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Retention;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;

namespace SyncServer.Tests.Retention;

/// <summary>How rounds get over what cannot be purged now.</summary>
[Collection(RetentionServersCollection.Name)]
public sealed class RoundTests(RetentionServers servers)
{
    private const string Whole = "SELECT count(*)::text FROM outcomes WHERE space_id = $space AND body IS NOT NULL";
    private const string Changes = "SELECT count(*)::text FROM changes WHERE space_id = $space";

    private const string Refuse = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END';
        CREATE TRIGGER refuse
        """ + " ";

    [Fact]
    public async Task A_space_that_somebody_holds_is_purged_later_and_keeps_nobody_from_the_others()
    {
        await using var hasty = await servers.StartAsync("--Database:LockTimeout=00:00:00.100");
        var (held, free) = (await WithChangesAsync(), await WithChangesAsync());
        servers.Wait(4);
        await using var holder = new NpgsqlConnection(servers.ConnectionString);
        await using (await HoldAsync(holder, held))
        {
            await RetentionServers.PurgeAsync(hasty);
            Assert.Equal(["2", "1"], await LinesAsync(Changes, held, free));
            Assert.Equal(["0", "0"], await LinesAsync(Whole, held, free));
        }

        await RetentionServers.PurgeAsync(hasty);
        Assert.Equal(["1"], await LinesAsync(Changes, held));
    }

    [Fact]
    public async Task Outcomes_do_not_wait_for_a_space_that_somebody_holds()
    {
        // Behind the last space, so that the next round begins at the first one.
        await RetentionServers.PurgeAsync(servers.B);
        var held = await WithChangesAsync();
        servers.Wait(4);
        Task round;
        await using var holder = new NpgsqlConnection(servers.ConnectionString);
        await using (await HoldAsync(holder, held))
        {
            round = servers.B.App.Services.GetRequiredService<RetentionRound>().RunAsync(default);
            await Patience.UntilAsync(async () => await LinesAsync(Whole, held) is ["0"], "outcomes are shortened");
            Assert.False(round.IsCompleted);
        }

        await round;
        Assert.Equal(["1"], await LinesAsync(Changes, held));
    }

    [Fact]
    public async Task A_space_that_fails_for_good_keeps_nobody_from_the_others()
    {
        Device[] all = [await WithChangesAsync(), await WithChangesAsync(), await WithChangesAsync()];
        await servers.LinesAsync(all[0], Refuse + "BEFORE DELETE ON changes FOR EACH ROW WHEN (OLD.space_id = $space) EXECUTE FUNCTION refuse()");
        await servers.LaterAsync(4);
        Assert.Equal(["2", "1", "1"], await LinesAsync(Changes, all));
        Assert.Equal(["0", "0", "0"], await LinesAsync(Whole, all));

        await servers.LinesAsync(all[0], "DROP FUNCTION refuse() CASCADE");
        await servers.LaterAsync(0);
        Assert.Equal(["1", "1", "1"], await LinesAsync(Changes, all));
    }

    [Theory]
    [InlineData(Refuse + "BEFORE UPDATE ON outcomes FOR EACH ROW EXECUTE FUNCTION refuse()", "DROP FUNCTION refuse() CASCADE", "2", "1")]
    [InlineData("ALTER TABLE unchanged_ops RENAME TO away", "ALTER TABLE away RENAME TO unchanged_ops", "0", "2")]
    public async Task What_keeps_outcomes_or_spaces_from_being_purged_keeps_the_others_from_nothing(string damage, string repair, string whole, string changes)
    {
        var phone = await WithChangesAsync();
        await servers.LinesAsync(phone, damage);
        await servers.LaterAsync(4);
        Assert.Equal([whole, changes], [.. await LinesAsync(Whole, phone), .. await LinesAsync(Changes, phone)]);

        await servers.LinesAsync(phone, repair);
        await servers.LaterAsync(0);
        Assert.Equal(["0", "1"], [.. await LinesAsync(Whole, phone), .. await LinesAsync(Changes, phone)]);
    }

    [Fact]
    public async Task A_server_whose_clock_is_not_the_databases_purges_nothing()
    {
        await using var wrong = await servers.StartAsync("--Sync:Retention:ClockTolerance=01:00:00");
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        servers.Wait(2);
        await RetentionServers.PurgeAsync(wrong);
        Assert.Equal(["1"], await LinesAsync(Whole, phone));
        await servers.LaterAsync(0);
        Assert.Equal(["0"], await LinesAsync(Whole, phone));
    }

    [Fact]
    public async Task A_space_with_more_than_a_round_takes_has_its_turn_again_in_the_next_one_however_many_spaces_there_are()
    {
        // A hundred steps, each of which looks at five hundred changes and keeps the last of them, and some more.
        const int Rows = 50_000;
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        await servers.LinesAsync(phone, $"""
            INSERT INTO changes SELECT (jsonb_populate_record(c, jsonb_build_object('seq', i, 'rev', i))).*
            FROM changes c, generate_series(2, {Rows}) i WHERE space_id = $space;
            UPDATE spaces SET head = {Rows} WHERE space_id = $space
            """);
        await servers.LinesAsync(phone, $"""
            INSERT INTO spaces SELECT (jsonb_populate_record(s, jsonb_build_object(
                'space_id', 'ffffffff-ffff-4fff-bfff-' || lpad(to_hex(i), 12, '0'), 'head', 0))).*
            FROM spaces s, generate_series(1, {DueSpaces.SpacesMax}) i WHERE space_id = $space
            """);
        servers.Wait(4);
        var round = servers.B.App.Services.GetRequiredService<RetentionRound>();
        for (var looks = 0; looks < 3 && await LinesAsync(Changes, phone) is [var left] && left == $"{Rows}"; looks++)
        {
            await round.RunAsync(default);
        }

        Assert.Equal(["100"], await LinesAsync(Changes, phone));
        await round.RunAsync(default);
        Assert.Equal(["1"], await LinesAsync(Changes, phone));
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

    /// <summary>Holds a space until the transaction ends.</summary>
    private async Task<NpgsqlTransaction> HoldAsync(NpgsqlConnection holder, Device held)
    {
        await holder.OpenAsync();
        var hold = await holder.BeginTransactionAsync();
        await using var take = new NpgsqlCommand("SELECT FROM spaces WHERE space_id = $1 FOR UPDATE", holder);
        take.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(await servers.SpaceIdAsync(held)) });
        await take.ExecuteNonQueryAsync();
        return hold;
    }

    /// <summary>Somebody new with two changes, of which one goes out of the log when both are past their retention.</summary>
    private async Task<Device> WithChangesAsync()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        await phone.PushAsync("update", "n", 1, """{"a":1}""");
        return phone;
    }

    private async Task<string[]> LinesAsync(string sql, params Device[] phones)
    {
        var lines = new List<string>();
        foreach (var phone in phones)
        {
            lines.AddRange(await servers.LinesAsync(phone, sql));
        }

        return [.. lines];
    }
}
