using Npgsql;
using SyncServer.Storage;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Restore;

/// <summary>When a new epoch begins and when not, on databases of their own: an epoch is everybody's.</summary>
public sealed class NewEpochTests
{
    private const string Rewind =
        "WITH gone AS (DELETE FROM changes WHERE seq = 3 RETURNING space_id) UPDATE spaces SET head = 2 FROM gone WHERE spaces.space_id = gone.space_id RETURNING ''";

    private const string Rewritten = "UPDATE changes SET tag = tag + 1 WHERE seq = 3 RETURNING ''";

    [Theory]
    [InlineData(Rewind)]
    [InlineData(Rewritten)]
    public async Task However_many_cursors_are_ahead_at_however_many_servers_one_epoch_begins(string loss)
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var a = await TestServer.StartAsync(database.ConnectionString);
        await using var b = await TestServer.StartAsync(database.ConnectionString);
        var (phone, cursor, old) = await WithThreeNotesAsync(a);
        await database.LinesAsync(loss);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => phone.Other("phone", n % 2 == 0 ? a : b).PullAsync($"?cursor={cursor}")));
        var epoch = Assert.Single(await database.LinesAsync("SELECT epoch FROM server"));
        Assert.NotEqual(old, epoch);
        Assert.All(answers, answer => Assert.Equal((410, "send-again", epoch), (answer.Status, answer["plan.undelivered"], answer["epoch"])));
        Assert.Contains(answers, answer => answer["reason"] == "ahead");
        var again = await phone.PullAsync($"?cursor={cursor}");
        Assert.Equal((410, "epoch", epoch), (again.Status, again["reason"], again["epoch"]));
        Assert.Equal(epoch, (await phone.PullAsync())["epoch"]);
    }

    [Fact]
    public async Task What_a_client_can_make_up_and_what_a_purge_removes_ends_no_epoch()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        var (phone, cursor, old) = await WithThreeNotesAsync(server);
        var altered = cursor[..^2] + (cursor[^2] == 'A' ? 'B' : 'A') + cursor[^1];
        Assert.Equal(400, (await phone.PullAsync($"?cursor={altered}")).Status);
        Assert.Equal(400, (await New(server).PullAsync($"?cursor={cursor}")).Status);
        Assert.Equal((410, "ahead"), await ReasonAsync(phone.PushAsync("update", "n1", 9, """{"a":1}""")));
        Assert.Equal((410, "epoch"), await ReasonAsync(phone.PushAsync(Op("create", NewId(), 0, "{}"), ("Sync-Epoch", "another"))));
        var early = (await phone.PullAsync("?limit=1"))["cursor"];
        await database.LinesAsync("UPDATE spaces SET tombstone_horizon = 3, history_horizon = 3 WHERE head = 3 RETURNING ''");
        await database.LinesAsync("DELETE FROM changes WHERE seq <= 3 RETURNING ''");
        Assert.Equal(200, (await phone.PullAsync($"?cursor={cursor}")).Status);
        Assert.Equal(200, (await phone.PullAsync($"?cursor={early}")).Status);
        Assert.Equal(old, Assert.Single(await database.LinesAsync("SELECT epoch FROM server")));
    }

    [Fact]
    public async Task The_command_begins_an_epoch_that_running_servers_take_over()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        var (phone, cursor, old) = await WithThreeNotesAsync(server);
        await using var command = ServerHost.Build([$"--ConnectionStrings:Sync={database.ConnectionString}", "--environment", "Development"]);
        Assert.Equal(0, await StorageCommands.TryRunAsync(["new-epoch"], command.Services));
        var epoch = Assert.Single(await database.LinesAsync("SELECT epoch FROM server"));
        Assert.NotEqual(old, epoch);
        await Patience.UntilAsync(async () => (await phone.GetAsync("/v1/session"))["epoch"] != old, "another epoch is served");

        Assert.Equal((410, "epoch"), await ReasonAsync(phone.PullAsync($"?cursor={cursor}")));
        var pushed = await phone.PushAsync(Op("create", NewId(), 0, "{}"), ("Sync-Epoch", old));
        Assert.Equal((410, "epoch", epoch), (pushed.Status, pushed["reason"], pushed["epoch"]));
    }

    [Fact]
    public async Task The_command_fails_on_a_database_that_is_not_migrated()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var command = ServerHost.Build([$"--ConnectionStrings:Sync={database.ConnectionString}", "--environment", "Development"]);
        Assert.Equal(1, await StorageCommands.TryRunAsync(["new-epoch"], command.Services));
    }

    [Theory]
    [InlineData("system_identifier = '1'", true, true)]
    [InlineData("timeline = timeline + 7", true, true)]
    [InlineData("timeline = timeline + 7", false, false)]
    [InlineData("table_oid = 1", true, true)]
    [InlineData("timeline = NULL, system_identifier = NULL, table_oid = NULL", true, false)]
    public async Task At_its_start_a_server_compares_the_marks_and_notes_them(string marks, bool perTimeline, bool begins)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        const string row = "SELECT concat_ws(' ', system_identifier, timeline, table_oid) FROM server";
        var (noted, old) = (await database.LinesAsync(row), await database.LinesAsync("SELECT epoch FROM server"));
        await database.LinesAsync($"UPDATE server SET {marks} RETURNING ''");
        await using var server = await TestServer.StartAsync(database.ConnectionString, $"--Database:EpochPerTimeline={perTimeline}");
        Assert.Equal(noted, await database.LinesAsync(row));
        Assert.Equal(begins, old[0] != (await database.LinesAsync("SELECT epoch FROM server"))[0]);
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData("pg_control_system()", 1)]
    [InlineData("pg_control_system(), pg_walfile_name(pg_lsn), pg_current_wal_flush_lsn()", 0)]
    public async Task An_ordinary_role_is_told_the_marks_and_where_it_is_not_the_server_runs_all_the_same(string refused, int told)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var role = "limited_" + Guid.NewGuid().ToString("n");
        await database.LinesAsync(
            $"CREATE ROLE {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; UPDATE server SET system_identifier = NULL, timeline = NULL RETURNING ''");
        if (refused.Length > 0)
        {
            await database.LinesAsync($"REVOKE EXECUTE ON FUNCTION {refused} FROM public; SELECT ''");
        }

        try
        {
            var limited = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = $"-c role={role}" };
            await using var server = await TestServer.StartAsync(limited.ConnectionString, "--Database:MigrateOnStart=false");
            await WithThreeNotesAsync(server);
            Assert.Equal([$"{told}"], await database.LinesAsync("SELECT num_nonnulls(system_identifier, timeline)::text FROM server"));
        }
        finally
        {
            await database.LinesAsync($"DROP OWNED BY {role}; DROP ROLE {role}; SELECT ''");
        }
    }

    private static async Task<(int Status, string? Reason)> ReasonAsync(Task<Answer> answering)
    {
        var answer = await answering;
        return (answer.Status, answer["reason"]);
    }

    /// <summary>A phone with three notes, its cursor behind them, and the epoch.</summary>
    private static async Task<(Device Phone, string Cursor, string Epoch)> WithThreeNotesAsync(TestServer server)
    {
        var phone = New(server);
        Assert.Equal(200, (await phone.BatchAsync(Enumerable.Range(1, 3).Select(n => Op("create", $"n{n}", 0, "{}")))).Status);
        var page = await phone.PullAsync();
        return (phone, page["cursor"]!, page["epoch"]!);
    }
}
