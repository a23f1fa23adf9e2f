using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Entities;
using SyncServer.Operators;
using SyncServer.Storage;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Storage;

public sealed class StorageSetupTests
{
    [Fact]
    public async Task A_server_migrates_at_its_start_and_is_ready()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var app = Build(database.ConnectionString, migrate: true);
        await app.StartAsync();
        var (status, report) = await ReadyAsync(app);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(["database pass", "primary pass", "schema pass"], Checks(report)[..3]);
        Assert.Equal("""{"name":"database","status":"pass"}""", report["checks"]![0]!.ToJsonString());
        var identity = app.Services.GetRequiredService<ServerIdentity>();
        Assert.Equal(
            await database.LinesAsync("SELECT epoch || ' ' || encode(cursor_key, 'hex') FROM server"),
            new[] { $"{identity.Epoch} {Convert.ToHexStringLower(identity.Current.CursorKey.Span)}" });
        await using var scope = app.Services.CreateAsyncScope();
        Assert.Empty(await scope.ServiceProvider.GetRequiredService<SyncDb>().Spaces.ToListAsync());
    }

    [Fact]
    public async Task A_server_does_not_start_on_a_database_that_is_not_migrated()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var app = Build(database.ConnectionString, migrate: false);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync());
        Assert.Contains("SyncServer migrate", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_migrate_command_applies_once_and_the_server_command_is_no_command()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var app = Build(database.ConnectionString, migrate: false);
        Assert.Null(await StorageCommands.TryRunAsync(["--urls=http://localhost:0"], app.Services));
        Assert.Equal(0, await StorageCommands.TryRunAsync(["migrate"], app.Services));
        Assert.Equal(0, await StorageCommands.TryRunAsync(["migrate"], app.Services));
        await app.StartAsync();
    }

    [Fact]
    public async Task The_migrate_command_fails_where_the_database_does_not_answer()
    {
        await using var app = Build("Host=127.0.0.1;Port=1;Timeout=2", migrate: false);
        Assert.Equal(1, await StorageCommands.TryRunAsync(["migrate"], app.Services));
    }

    [Fact]
    public async Task Timeouts_and_the_choice_of_plans_hold_on_every_connection()
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var source = database.Open();
        await using var command = source.CreateCommand(
            """
            SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'),
                current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'),
                current_setting('plan_cache_mode'), current_setting('enable_seqscan'), current_setting('enable_hashjoin'),
                current_setting('enable_mergejoin'), current_setting('jit'))
            """);
        Assert.Equal("5s 15s 10s SyncServer force_generic_plan off off off off", await command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Unsafe_settings_that_are_allowed_are_a_warning()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Options = "-c synchronous_commit=off" };
        await using var app = Build(connection.ConnectionString, migrate: false);
        await app.StartAsync();
        var (status, report) = await ReadyAsync(app);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("durability warn", Checks(report));
    }

    [Fact]
    public async Task A_migration_that_is_missing_makes_a_server_unready()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var app = Build(database.ConnectionString, migrate: false);
        await app.StartAsync();
        await database.LinesAsync("""DELETE FROM "__EFMigrationsHistory" RETURNING "MigrationId"::text""");
        var (status, report) = await ReadyAsync(app);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("schema fail", Checks(report));
    }

    [Fact]
    public async Task A_server_without_its_database_is_alive_and_not_ready_and_names_no_host()
    {
        var database = await ScratchDatabase.MigratedAsync();
        await using var app = Build(database.ConnectionString, migrate: false);
        await app.StartAsync();
        await database.DisposeAsync();
        var (status, report) = await ReadyAsync(app, answers: false);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal(
            """{"checks":[{"name":"database","status":"fail","detail":"does not answer"}],"status":"fail"}""",
            report.ToJsonString());
        using var client = app.GetTestClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task Probes_that_come_at_once_share_one_answer()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var app = Build(database.ConnectionString, migrate: false);
        await app.StartAsync();
        var readiness = ActivatorUtilities.CreateInstance<Readiness>(app.Services, new StoppedClock());
        var reports = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(readiness.CheckAsync)));
        Assert.Single(reports.Distinct(ReferenceEqualityComparer.Instance));
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }

    private static WebApplication Build(string connectionString, bool migrate, bool allowUnsafe = true)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:Sync"] = connectionString,
            ["Database:MigrateOnStart"] = migrate.ToString(),
            ["Database:AllowUnsafeSettings"] = allowUnsafe.ToString(),
        });
        builder.AddEntities();
        builder.AddStorage();
        builder.Services.AddHealth();
        builder.Services.AddAuthorization();
        var app = builder.Build();
        app.MapHealth();
        return app;
    }

    /// <summary>The first answer by which the database answers or not: one that answers late does not, until it is asked again.</summary>
    private static async Task<(HttpStatusCode Status, JsonObject Report)> ReadyAsync(WebApplication app, bool answers = true)
    {
        using var client = app.GetTestClient();
        (HttpStatusCode Status, JsonObject Report) ready = default;
        await Patience.UntilAsync(async () =>
        {
            using var response = await client.GetAsync("/health/ready");
            ready = (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject());
            return Checks(ready.Report)[0] == (answers ? "database pass" : "database fail");
        }, answers ? "the database answers" : "the database does not answer");
        return ready;
    }

    private static string[] Checks(JsonObject report) =>
        [.. report["checks"]!.AsArray().Select(check => $"{check!["name"]} {check["status"]}")];
}
