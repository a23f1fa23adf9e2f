using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using SyncServer.Storage;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Entities;

/// <summary>Protocol 4.1: rules that a file gains, loses or writes in another order while records exist.</summary>
public sealed class UniqueRulesTests
{
    private const string NoRule = """{"entities":{"locker":{"fields":{"number":{},"floor":{}}}}}""";
    private const string ByNumber = """{"entities":{"locker":{"fields":{"number":{},"floor":{}},"unique":[["number"]]}}}""";
    private const string Both = """{"entities":{"locker":{"fields":{"number":{},"floor":{}},"unique":[["number"],["floor","number"]]}}}""";
    private const string BothTurned = """{"entities":{"locker":{"fields":{"floor":{},"number":{}},"unique":[["number","floor"],["number"]]}}}""";

    [Fact]
    public async Task A_rule_that_is_declared_later_holds_for_every_record_that_exists()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        // More than a page of records, so that the last of them is on another one.
        var who = await FilledAsync(database, NoRule, [.. Enumerable.Range(0, 700).Select(i => $$"""{"number":"{{i}}"}""")]);
        await using var server = await StartAsync(database, ByNumber);
        var phone = new Device(server, who, "phone");
        Assert.Equal("409 409 409 201", await CreateAsync(phone, ["0", "499", "699", "700"]));
        Assert.Equal(["701"], await database.LinesAsync("SELECT count(*)::text FROM unique_keys"));
    }

    [Fact]
    public async Task Records_that_shared_values_before_the_rule_stay_writable_and_keep_others_out_as_long_as_one_has_them()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var who = await FilledAsync(database, NoRule, ["""{"number":"7"}""", """{"number":"7"}"""], ["a", "b"]);
        await using var server = await StartAsync(database, ByNumber);
        var phone = new Device(server, who, "phone");
        Assert.Equal(200, await UpdateAsync(phone, "a", 1, """{"colour":"red"}"""));
        Assert.Equal(200, await UpdateAsync(phone, "b", 1, """{"colour":"blue"}"""));
        Assert.Equal("409", await CreateAsync(phone, ["7"]));
        Assert.Equal(200, await UpdateAsync(phone, "a", 2, """{"number":"8"}"""));
        Assert.Equal("409 409", await CreateAsync(phone, ["7", "8"]));
        Assert.Equal(200, await UpdateAsync(phone, "b", 2, """{"number":null}"""));
        Assert.Equal("201 409", await CreateAsync(phone, ["7", "8"]));
        Assert.Equal(["0", "0"], await database.LinesAsync("SELECT duplicate::text FROM unique_keys"));
    }

    [Fact]
    public async Task Rules_in_another_order_are_the_same_rules()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var who = await FilledAsync(database, Both, ["""{"number":"1","floor":2}""", """{"number":"2","floor":2}"""]);
        var keys = await database.LinesAsync("SELECT rule || hash || record_id FROM unique_keys ORDER BY 1");
        Assert.Equal(4, keys.Length);
        await using var server = await StartAsync(database, BothTurned);
        Assert.Equal("409 201", await CreateAsync(new Device(server, who, "phone"), ["1", "3"]));
        Assert.Equal(keys, (await database.LinesAsync("SELECT rule || hash || record_id FROM unique_keys ORDER BY 1")).Intersect(keys));
    }

    [Fact]
    public async Task A_rule_that_is_not_declared_any_more_leaves_no_keys()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var who = await FilledAsync(database, Both, ["""{"number":"1","floor":2}"""]);
        await using (var one = await StartAsync(database, ByNumber))
        {
            await HoldsAsync(database, "1", "SELECT count(*)::text FROM unique_keys");
        }

        await using var none = await StartAsync(database, NoRule);
        await HoldsAsync(database, "0 0", "SELECT count(*) || ' ' || (SELECT count(unique_rules) FROM spaces) FROM unique_keys");
        Assert.Equal("201", await CreateAsync(new Device(none, who, "phone"), ["1"]));
    }

    [Fact]
    public async Task While_a_server_with_the_older_file_still_writes_the_newer_one_decides_by_what_it_wrote()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var who = await FilledAsync(database, NoRule, ["""{"number":"1"}"""], ["a"]);
        await using var newer = await StartAsync(database, ByNumber);
        await using var older = await StartAsync(database, NoRule);
        var (phone, tablet) = (new Device(newer, who, "phone"), new Device(older, who, "tablet"));
        for (var round = 1; round < 4; round++)
        {
            Assert.Equal(200, await UpdateAsync(tablet, "a", round, $$"""{"number":"old-{{round}}"}"""));
            Assert.Equal("201 201", await CreateAsync(tablet, [$"twice-{round}", $"twice-{round}"]));
            Assert.Equal("409 409 201", await CreateAsync(phone, [$"old-{round}", $"twice-{round}", $"free-{round}"]));
        }
    }

    [Fact]
    public async Task Servers_that_start_at_once_register_every_key_once()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        foreach (var _ in Enumerable.Range(0, 5))
        {
            await FilledAsync(database, NoRule, [.. Enumerable.Range(0, 300).Select(i => $$"""{"number":"{{i}}","floor":1}""")]);
        }

        var servers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartAsync(database, Both)));
        await HoldsAsync(database, "3000 3000",
            "SELECT count(*) || ' ' || count(DISTINCT (space_id, rule, record_id)) FROM unique_keys WHERE duplicate = 0");
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_space_that_is_held_while_the_server_starts_is_brought_to_order_by_its_next_write()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var who = await FilledAsync(database, NoRule, ["""{"number":"1"}"""]);
        await using var source = database.Open();
        await using var holder = await source.OpenConnectionAsync();
        var held = await holder.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand("SELECT FROM spaces FOR UPDATE", holder);
        await hold.ExecuteNonQueryAsync();
        await using var server = await StartAsync(database, ByNumber, "--Database:LockTimeout=00:00:00.1");
        var catchUp = server.App.Services.GetServices<IHostedService>().OfType<UniqueCatchUp>().Single();
        await catchUp.ExecuteTask!.WaitAsync(Patience.Whole);
        Assert.Equal(["0"], await database.LinesAsync("SELECT count(*)::text FROM unique_keys"));
        await held.DisposeAsync();
        Assert.Equal("409 201", await CreateAsync(new Device(server, who, "phone"), ["1", "2"]));
    }

    private const string Marks = "SELECT count(*) || ' ' || count(unique_rules) || ' ' || count(DISTINCT unique_rules) FROM spaces";

    [Fact]
    public async Task A_space_that_is_made_has_the_keys_of_the_definitions_from_the_start()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var server = await StartAsync(database, ByNumber);
        var alice = New(server);
        await alice.PullAsync();
        // Looked at before the shared space is made, because that writes to the personal one, and a write catches up.
        Assert.Equal(["1 1 1"], await database.LinesAsync(Marks));
        await alice.SharedAsync();
        Assert.Equal(["2 2 1"], await database.LinesAsync(Marks));
    }

    [Fact]
    public async Task A_space_that_takes_longer_than_a_statement_may_is_brought_to_order_nevertheless()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        var who = await FilledAsync(database, NoRule, ["""{"number":"1"}"""]);
        await database.LinesAsync("""
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NEW; END';
            CREATE TRIGGER slow BEFORE INSERT ON unique_keys FOR EACH ROW EXECUTE FUNCTION slow()
            """);
        await using var server = await StartAsync(database, ByNumber, "--Database:StatementTimeout=00:00:02");
        await HoldsAsync(database, "1", "SELECT count(*)::text FROM unique_keys");
        Assert.Equal("409", await CreateAsync(new Device(server, who, "phone"), ["1"]));
    }

    /// <summary>Returns once the only line is this one: existing spaces are brought to order after the start.</summary>
    private static Task HoldsAsync(ScratchDatabase database, string line, string sql) =>
        Patience.UntilAsync(async () => (await database.LinesAsync(sql)).SequenceEqual([line]), line);

    private static async Task<TestServer> StartAsync(ScratchDatabase database, string definitions, params string[] settings)
    {
        using var file = new DefinitionsFile(definitions);
        return await TestServer.StartAsync(database.ConnectionString, [$"--Sync:Entities={file.Path}", .. settings]);
    }

    /// <summary>Somebody new, whose personal space holds these lockers; they were written under the definitions by a server that is gone.</summary>
    private static async Task<string> FilledAsync(ScratchDatabase database, string definitions, string[] lockers, string[]? ids = null)
    {
        await using var server = await StartAsync(database, definitions);
        var device = New(server);
        foreach (var chunk in lockers.Select((data, i) => Op("create", ids?[i] ?? NewId(), 0, data, entity: "locker")).Chunk(500))
        {
            var answer = await device.BatchAsync(chunk);
            Assert.All(answer.Body["results"]!.AsArray(), result => Assert.Equal(201, (int)result!["status"]!));
        }

        return device.Principal;
    }

    private static async Task<string> CreateAsync(Device device, string[] numbers)
    {
        var answer = await device.BatchAsync(numbers.Select(number => Op("create", NewId(), 0, $$"""{"number":"{{number}}"}""", entity: "locker")));
        return string.Join(' ', answer.Body["results"]!.AsArray().Select(result => result!["status"]));
    }

    private static async Task<int> UpdateAsync(Device device, string id, long baseRev, string patch) =>
        (await device.PushAsync(Op("update", id, baseRev, patch, entity: "locker"))).Status;
}
