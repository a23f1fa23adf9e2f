using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Pull;
using SyncServer.Storage;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Restore;

/// <summary>What a running server makes of a database that changes or hangs beneath it.</summary>
public sealed class RunningTests
{
    [Fact]
    public async Task A_dump_that_is_restored_beneath_sessions_that_stay_open_begins_an_epoch_by_itself()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        var phone = New(server);
        var old = (await phone.GetAsync("/v1/session"))["epoch"];
        // What a restore of a dump does to the table: another one under its name, with the row that was dumped.
        await database.LinesAsync(
            """
            ALTER TABLE server RENAME TO lost;
            CREATE TABLE server (LIKE lost INCLUDING ALL);
            INSERT INTO server SELECT * FROM lost;
            DROP TABLE lost;
            SELECT ''
            """);
        await Patience.UntilAsync(async () => (await phone.GetAsync("/v1/session"))["epoch"] != old, "another epoch is served");

        string[] noted = [$"{(await phone.GetAsync("/v1/session"))["epoch"]} true"];
        Assert.Equal(noted, await database.LinesAsync("SELECT epoch || ' ' || (table_oid = 'server'::regclass::oid::bigint)::text FROM server"));
    }

    [Fact]
    public async Task A_look_that_hangs_holds_up_no_other_and_ends_long_before_a_statement_of_a_request()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        await database.LinesAsync(
            "CREATE SCHEMA dead; CREATE VIEW dead.server AS SELECT * FROM public.server WHERE pg_sleep(3600)::text IS NOT NULL; SELECT ''");
        var identity = server.App.Services.GetRequiredService<ServerIdentity>();
        await using var sources = database.Open();
        // A statement of a request would hang for longer than a test waits.
        await using var deadSource = DataSource.Create(
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = "-c search_path=dead,public" }.ConnectionString,
            new DatabaseOptions { StatementTimeout = 2 * Patience.Whole });
        await using var alive = await sources.OpenConnectionAsync();
        await using var dead = await deadSource.OpenConnectionAsync();

        using var end = new CancellationTokenSource(Patience.Whole);
        var hanging = identity.LookAsync(dead, end.Token);
        await identity.LookAsync(alive, default);
        Assert.False(hanging.IsCompleted);
        var trouble = await Assert.ThrowsAnyAsync<NpgsqlException>(() => hanging);
        Assert.IsType<TimeoutException>(trouble.InnerException);
    }

    [Fact]
    public async Task A_page_of_a_copy_that_lags_behind_is_no_restore_and_is_asked_for_again()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        var phone = New(server);
        Assert.Equal(201, (await phone.PushAsync("create", "n1", 0, "{}")).Status);
        await database.LinesAsync(
            "CREATE SCHEMA behind; CREATE TABLE behind.spaces AS TABLE spaces; CREATE TABLE behind.changes AS TABLE changes; SELECT ''");
        Assert.Equal(201, (await phone.PushAsync("create", "n2", 0, "{}")).Status);
        var page = await phone.PullAsync();
        await using var behind = database.Open("-c search_path=behind,public");
        await using var lagging = await TestServer.StartAsync(
            database.ConnectionString, builder => builder.Services.AddSingleton(new PullQuery(behind)).AddSingleton(new SharedPages(behind)));

        var answer = await phone.Other("phone", lagging).PullAsync($"?cursor={page["cursor"]}");
        Assert.Equal((503, "/problems/unavailable", "2"), (answer.Status, answer["type"], answer.Header("Retry-After")));
        Assert.Equal(page["epoch"], Assert.Single(await database.LinesAsync("SELECT epoch FROM server")));
        Assert.Equal(200, (await phone.PullAsync($"?cursor={page["cursor"]}")).Status);
    }
}
