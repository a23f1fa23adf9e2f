using System.Text;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Entities;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using JsonNode = System.Text.Json.Nodes.JsonNode;

namespace SyncServer.Tests.Entities;

public sealed class CheckCommandTests
{
    private const string Notes = """
        {"entities":{"note":{"fields":{"title":{"type":"string","required":true},"slug":{}},"unique":[["slug"]]}}}
        """;

    [Fact]
    public async Task Records_that_a_changed_file_would_refuse_are_named_and_tombstones_and_other_entities_are_not()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        var device = Device.New(server);
        Assert.Equal(201, (await device.PushAsync("create", "right", patch: """{"title":"t"}""")).Status);
        Assert.Equal(201, (await device.PushAsync("create", "wrong", patch: """{"title":7}""")).Status);
        Assert.Equal(201, (await device.PushAsync("create", "gone", patch: "{}")).Status);
        Assert.Equal(200, (await device.PushAsync("delete", "gone", baseRev: 1)).Status);
        Assert.Equal(201, (await device.PushAsync(Device.Op("create", "other", patch: "{}").Replace("\"note\"", "\"task\"", StringComparison.Ordinal))).Status);
        var space = (await device.GetAsync("/v1/session")).Body["spaces"]![0]!["id"]!.ToString();
        var (records, lines) = await CheckAsync(database, Notes);
        Assert.Equal(2, records);
        Assert.Equal(
            [$$"""{"space":"{{space}}","entity":"note","id":"wrong","pointer":"/title","detail":"The field is of type string."}"""], lines);
    }

    [Fact]
    public async Task Records_of_one_space_that_share_a_unique_key_are_named_but_the_first()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await InsertAsync(database, """
            SELECT space, 'note', id, data FROM (VALUES
                ('00000000-0000-0000-0000-000000000001'::uuid, 'a', '{"title":"","slug":1}'), ('00000000-0000-0000-0000-000000000001', 'b', '{"title":"","slug":1.0}'),
                ('00000000-0000-0000-0000-000000000001', 'c', '{"title":""}'), ('00000000-0000-0000-0000-000000000001', 'd', '{"title":""}'),
                ('00000000-0000-0000-0000-000000000001', 'e', '{"title":"","slug":"1"}'), ('00000000-0000-0000-0000-000000000002', 'z', '{"title":"","slug":1}')
            ) AS v (space, id, data)
            """);
        var (records, lines) = await CheckAsync(database, Notes);
        Assert.Equal(6, records);
        var line = JsonNode.Parse(Assert.Single(lines))!;
        Assert.Equal(
            "00000000-0000-0000-0000-000000000001 b /slug The record has the same /slug as 'a', and the definition says unique.",
            $"{line["space"]} {line["id"]} {line["pointer"]} {line["detail"]}");
    }

    [Fact]
    public async Task Every_record_is_checked_once_over_many_pages()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        // Two spaces and two entities, so that pages end inside each of them; every seventh record is wrong.
        await InsertAsync(database, """
            SELECT ('00000000-0000-0000-0000-00000000000' || space)::uuid, entity, 'r' || i, CASE WHEN i % 7 = 0 THEN '{}' ELSE '{"title":"","slug":' || i || '}' END
            FROM generate_series(1, 2) AS space, (VALUES ('note'), ('task')) AS e (entity), generate_series(1, 700) AS i
            """);
        var (records, lines) = await CheckAsync(database, """
            {"entities":{"note":{"fields":{"title":{"required":true},"slug":{}},"unique":["slug"]},"task":{"fields":{"title":{"required":true}}}}}
            """);
        Assert.Equal(2800, records);
        Assert.Equal(400, lines.Length);
        Assert.Equal(400, lines.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task The_exit_code_says_whether_a_record_breaks_a_rule()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await InsertAsync(database, """SELECT '00000000-0000-0000-0000-000000000001'::uuid, 'note', 'a', '{"title":7}'""");
        using var strict = new DefinitionsFile(Notes);
        using var loose = new DefinitionsFile("""{"entities":{"note":{}}}""");
        using var none = new DefinitionsFile("""{"entities":{}}""");
        Assert.Equal(
            [CheckCommand.Broken, CheckCommand.Clean, CheckCommand.Clean],
            new[] { await RunAsync(database.ConnectionString, strict.Path), await RunAsync(database.ConnectionString, loose.Path), await RunAsync(database.ConnectionString, none.Path) });
    }

    [Fact]
    public async Task The_exit_code_says_that_nothing_was_checked()
    {
        await using var empty = await ScratchDatabase.CreateAsync();
        using var right = new DefinitionsFile(Notes);
        using var wrong = new DefinitionsFile("{}");
        Assert.Equal(CheckCommand.CannotRun, await RunAsync(empty.ConnectionString, right.Path));
        Assert.Equal(CheckCommand.CannotRun, await RunAsync("Host=127.0.0.1;Port=1;Timeout=2", right.Path));
        Assert.Equal(CheckCommand.CannotRun, await RunAsync(empty.ConnectionString, wrong.Path));
        Assert.Equal(CheckCommand.CannotRun, await RunAsync(empty.ConnectionString, "/nowhere/entities.json"));
        Assert.Equal(CheckCommand.CannotRun, await RunAsync(empty.ConnectionString, "--urls=http://localhost:0"));
        Assert.Equal(CheckCommand.CannotRun, await RunAsync(empty.ConnectionString));
        Assert.Equal(CheckCommand.CannotRun, await RunAsync(empty.ConnectionString, new CancellationToken(canceled: true), right.Path));
    }

    [Theory]
    [InlineData]
    [InlineData("migrate", "check")]
    [InlineData("--urls", "http://127.0.0.1:0")]
    public async Task Other_arguments_are_not_its_own(params string[] args) =>
        Assert.Null(await CheckCommand.TryRunAsync(args, TestServers.A.App.Services));

    [Fact]
    public void An_absolute_path_takes_no_setting_away_from_the_host()
    {
        Assert.Contains("--Sync:Entities=b.json", CheckCommand.HostArguments(["check", "/a.json", "--Sync:Entities=b.json"]));
        Assert.DoesNotContain("/a.json", CheckCommand.HostArguments(["check", "/a.json", "--Sync:Entities=b.json"]));
        Assert.Equal(["migrate", "--x=y"], CheckCommand.HostArguments(["migrate", "--x=y"]));
    }

    private static Task<int?> RunAsync(string connectionString, params string[] args) => RunAsync(connectionString, CancellationToken.None, args);

    private static async Task<int?> RunAsync(string connectionString, CancellationToken cancel, params string[] args)
    {
        await using var app = ServerHost.Build([$"--ConnectionStrings:Sync={connectionString}"]);
        return await CheckCommand.TryRunAsync(["check", .. args], app.Services, cancel);
    }

    private static async Task<(long Records, string[] Lines)> CheckAsync(ScratchDatabase database, string file)
    {
        await using var source = database.Open();
        var (value, _) = JsonParser.Parse(Encoding.UTF8.GetBytes(file));
        var check = new RecordCheck(source, EntityDefinitions.Parse((JsonObject)value!).Definitions!);
        await using var output = new StringWriter();
        var broken = await CheckCommand.PrintAsync(check, output, CancellationToken.None);
        var lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(lines.Length, broken);
        return (check.Records, lines);
    }

    /// <summary>Live records out of the space, entity, id and data that <paramref name="rows"/> gives.</summary>
    private static async Task InsertAsync(ScratchDatabase database, string rows)
    {
        await using var source = database.Open();
        await using var command = source.CreateCommand($"""
            INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id)
            SELECT space_id, entity, id, 1, row_number() OVER (), false, data::json, octet_length(data), 'epoch', 'p', 'o'
            FROM ({rows}) AS rows (space_id, entity, id, data)
            """);
        await command.ExecuteNonQueryAsync();
    }
}
