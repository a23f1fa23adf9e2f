using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Push;
using SyncServer.Tests.Checksums;
using SyncServer.Tests.Entities;
using SyncServer.Tests.Records;
using SyncServer.Tests.Merge;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>What a server remembers of spaces saves locks and reads, and is never believed where it is not so any more.</summary>
// A server that starts with unique values brings all spaces to its definitions, which ends the trust in each of them.
[Collection(DefinedServersCollection.Name)]
public sealed class TrustTests
{
    internal const string TrustsAtOnce = "--Push:QuietWrites=1";

    [Fact]
    public async Task A_space_is_trusted_once_this_server_alone_has_written_to_it_often_enough()
    {
        await using var server = await TestServers.StartAsync("--Push:QuietWrites=3");
        var phone = New(server);
        for (var i = 1; i <= 5; i++)
        {
            Assert.Equal(201, (await phone.PushAsync("create", $"n{i}", 0, "{}")).Status);
            Assert.Equal((Math.Max(0, i - 3), 0), TrustOf(server));
        }

        Assert.Equal(200, (await phone.PushAsync("update", "n1", 1, """{"a":1}""")).Status);
        Assert.Equal((3, 0), TrustOf(server));
        Assert.Equal("""{"note":{"live":5,"sum":"SUM","applied":6}}""", await FiguresAsync(phone));
        Assert.Equal([(6L, 6L)], await QueueTests.HeadsAsync(phone));
    }

    [Fact]
    public async Task What_another_server_wrote_is_seen_and_merged()
    {
        await using var one = await TestServers.StartAsync(TrustsAtOnce);
        await using var two = await TestServers.StartAsync(TrustsAtOnce);
        var phone = New(one);
        var tablet = phone.Other("tablet", two);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal((1, 0), TrustOf(one));
        Assert.Equal(200, (await tablet.PushAsync("update", "n1", 1, """{"a":1}""")).Status);
        Assert.Equal(200, (await tablet.PushAsync("update", "n2", 1, """{"a":1}""")).Status);
        var merged = await phone.PushAsync("update", "n1", 1, """{"b":2}""");
        Assert.Equal((200, "merged", "3"), (merged.Status, merged["result"], merged["record.rev"]));
        Assert.Equal((1, 1), TrustOf(one));
        Assert.Equal((409, "conflict"), await UpdateAsync(phone, "n2"));
        Assert.Equal((2, 1), TrustOf(one));
        Assert.Equal((409, "already-exists"), await StatusAsync(tablet.PushAsync("create", "n1", 0, """{"c":3}""")));
        Assert.Equal((1, 1), TrustOf(two));
        Assert.StartsWith("""{"note":{"live":2,"sum":"SUM","applied":4,"merged":1,"parked":2,"opened":2},""", await FiguresAsync(phone), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_taken_for_new_and_is_not_is_found_out()
    {
        await using var before = await TestServers.StartAsync();
        var phone = New(before);
        var op = Op("create", "old", 0, """{"a":1}""");
        var first = await phone.PushAsync(op);
        Assert.Equal(201, await CreateAsync(phone, "older"));
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        phone = phone.Other("phone", server);
        Assert.Equal(201, await CreateAsync(phone, "n1"));
        var repeat = await phone.PushAsync(op);
        Assert.Equal((201, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        Assert.Equal((0, 1), TrustOf(server));

        // A space of which that was not so is not trusted until it was written to again.
        Assert.Equal(201, await CreateAsync(phone, "n2"));
        Assert.Equal((0, 1), TrustOf(server));

        // What was met here lately is read at once.
        Assert.Equal("true", (await phone.PushAsync(op)).Header("Idempotent-Replayed"));
        Assert.Equal((1, 1), TrustOf(server));
        Assert.Equal((409, "already-exists"), await StatusAsync(phone.PushAsync("create", "older", 0, """{"a":2}""")));
        Assert.Equal((1, 2), TrustOf(server));

        // And while a conflict is open, all is.
        Assert.Equal(201, await CreateAsync(phone, "n3"));
        Assert.Equal((409, "already-exists"), await StatusAsync(phone.PushAsync("create", "old", 0, """{"a":2}""")));
        Assert.Equal((2, 2), TrustOf(server));
    }

    [Theory]
    [InlineData("reader", 403)]
    [InlineData(null, 404)]
    public async Task A_role_that_was_taken_away_at_another_server_is_gone(string? left, int status)
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var (owner, space) = await New(TestServers.B).SharedAsync();
        var member = await owner.MemberAsync(space, "writer");
        var phone = member.Other("phone", server);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal((1, 0), TrustOf(server));
        Assert.InRange((left is null ? await owner.RemoveMemberAsync(phone.Principal) : await owner.PutMemberAsync(phone.Principal, left)).Status, 200, 204);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(status, await CreateAsync(phone, "n3"));
            Assert.Equal((1, 1), TrustOf(server));
        }

        Assert.DoesNotContain("n3", (await owner.PullAllAsync()).Changes.Select(change => change["id"]!.ToString()));
    }

    [Fact]
    public async Task A_space_that_was_erased_at_another_server_is_gone()
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var (owner, space) = await New(TestServers.B).SharedAsync();
        var phone = owner.Other("phone", server);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal(204, (await owner.EraseSpaceAsync(space)).Status);
        Assert.Equal((404, 404), (await CreateAsync(phone, "n3"), await CreateAsync(phone, "n3")));
        Assert.Equal((1, 1), TrustOf(server));
        Assert.All(await SpaceRequests.RowsAsync(space), table => Assert.Equal(0, table.Value));
    }

    [Fact]
    public async Task What_is_refused_was_looked_up()
    {
        await using var before = await TestServers.StartAsync();
        var phone = New(before);
        var (op, size) = (Op("create", "old", 0, """{"a":1}"""), new string('x', 300_000));
        var first = await phone.PushAsync(op);
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        phone = phone.Other("phone", server);
        Assert.Equal(201, await CreateAsync(phone, "n1"));
        var repeat = await phone.PushAsync(op, ("Sync-Epoch", "another"));
        Assert.Equal((201, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);

        Assert.Equal(201, await CreateAsync(phone, "n2"));
        var reused = phone.PushAsync(op.Replace("\"a\":1", "\"a\":2", StringComparison.Ordinal), ("Sync-Epoch", "another"));
        Assert.Equal((422, "idempotency-key-reused"), await StatusAsync(reused));

        Assert.Equal(201, await CreateAsync(phone, "n3"));
        Assert.Equal((409, "already-exists"), await StatusAsync(phone.PushAsync("create", "old", 0, $$"""{"a":"{{size}}"}""")));
        Assert.Equal(0, TrustOf(server).Broken);
    }

    [Fact]
    public async Task Values_that_another_server_has_declared_unique_meanwhile_stay_unique()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        using var plain = new DefinitionsFile("""{"entities":{"locker":{"fields":{"number":{}}}}}""");
        using var unique = new DefinitionsFile("""{"entities":{"locker":{"fields":{"number":{}},"unique":[["number"]]}}}""");
        await using var old = await TestServer.StartAsync(database.ConnectionString, $"--Sync:Entities={plain.Path}", TrustsAtOnce);
        var phone = New(old);
        Assert.Equal((201, 201), (await LockerAsync(phone, "a", 1), await LockerAsync(phone, "b", 2)));
        Assert.Equal((1, 0), TrustOf(old));
        await using var next = await TestServer.StartAsync(database.ConnectionString, $"--Sync:Entities={unique.Path}");
        await Patience.UntilAsync(async () => (await database.LinesAsync("SELECT count(*)::text FROM unique_keys")).SequenceEqual(["2"]), "the values are held");
        Assert.Equal(201, await LockerAsync(phone, "c", 3));
        Assert.Equal((409, 201), (await LockerAsync(phone.Other("tablet", next), "d", 3), await LockerAsync(phone.Other("tablet", next), "e", 4)));
    }

    [Fact]
    public async Task A_trusted_space_that_somebody_holds_holds_up_nobody_else()
    {
        await using var server = await TestServers.StartAsync("--Push:Workers=1", TrustsAtOnce);
        var (phone, other) = (New(server), New(server));
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal(201, await CreateAsync(other, "n1"));
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await blocker.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT head FROM spaces WHERE space_id = $1 FOR UPDATE", blocker);
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(await phone.SpaceIdAsync()) });
        await command.ExecuteScalarAsync();
        var held = phone.PushAsync("create", "n3", 0, "{}");
        await Patience.UntilAsync(() => TrustOf(server).Broken == 1, "the group waits for the space no longer");
        for (var i = 2; i < 20; i++)
        {
            Assert.Equal(201, await CreateAsync(other, $"n{i}"));
        }

        Assert.False(held.IsCompleted);
        await hold.RollbackAsync();
        Assert.Equal(201, (await held).Status);
    }

    [Fact]
    public async Task A_conflict_about_a_record_that_was_never_made_takes_up_its_create_again()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        using var unique = new DefinitionsFile("""{"entities":{"locker":{"fields":{"number":{}},"unique":[["number"]]}}}""");
        using var plain = new DefinitionsFile("""{"entities":{"locker":{"fields":{"number":{}}}}}""");
        Device phone;
        await using (var before = await TestServer.StartAsync(database.ConnectionString, $"--Sync:Entities={unique.Path}"))
        {
            phone = New(before);
            Assert.Equal(201, await LockerAsync(phone, "a", 7));
            Assert.Equal(409, await LockerAsync(phone, "b", 7));
        }

        await using var server = await TestServer.StartAsync(database.ConnectionString, $"--Sync:Entities={plain.Path}", TrustsAtOnce);
        phone = phone.Other("phone", server);
        Assert.Equal((201, 201), (await LockerAsync(phone, "c", 8), await LockerAsync(phone, "d", 9)));
        Assert.Equal(409, await LockerAsync(phone, "b", 10));
        Assert.Equal(201, await LockerAsync(phone.Other("tablet"), "b", 10));
        Assert.Equal(0, TrustOf(server).Broken);
    }

    [Fact]
    public async Task Two_servers_that_write_to_the_same_spaces_lose_nothing_and_count_everything()
    {
        await using var one = await TestServers.StartAsync(TrustsAtOnce);
        await using var two = await TestServers.StartAsync(TrustsAtOnce);
        var phones = Enumerable.Range(0, 4).Select(_ => New(one)).ToArray();
        var tablets = phones.Select(phone => phone.Other("tablet", two)).ToArray();
        await Task.WhenAll(phones.Concat(tablets).Select(async (device, i) =>
        {
            for (var n = 0; n < 40; n++)
            {
                Assert.Equal(201, await CreateAsync(device, $"n{i}-{n}"));
            }
        }));
        foreach (var phone in phones)
        {
            Assert.Equal([(80L, 80L)], await QueueTests.HeadsAsync(phone));
            Assert.Equal("""{"note":{"live":80,"sum":"SUM","applied":80}}""", await FiguresAsync(phone));
        }

        Assert.True(TrustOf(one).Broken + TrustOf(two).Broken > 0, "Neither server met what the other wrote.");
    }

    internal static (long Kept, long Broken) TrustOf(TestServer server) =>
        server.App.Services.GetRequiredService<Trust>() is var trust ? (trust.Kept, trust.Broken) : default;

    internal static async Task<int> CreateAsync(Device device, string id) => (await device.PushAsync("create", id, 0, "{}")).Status;

    internal static async Task<int> LockerAsync(Device device, string id, int number) =>
        (await device.PushAsync(Op("create", id, 0, $$"""{"number":{{number}}}""", entity: "locker"))).Status;

    private static Task<(int, string?)> UpdateAsync(Device device, string id) => StatusAsync(device.PushAsync("update", id, 1, """{"a":9}"""));

    private static async Task<(int, string?)> StatusAsync(Task<Answer> pushed) =>
        await pushed is var answer ? (answer.Status, answer["type"]?.Split('/')[^1]) : default;

    /// <summary>What is counted in the device's personal space, with <c>SUM</c> for the sum of digests, which has to be that of its records.</summary>
    internal static async Task<string> FiguresAsync(Device device)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("SELECT figures::text FROM accounts JOIN spaces USING (space_id) WHERE principal = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = device.Principal });
        var figures = (string)(await command.ExecuteScalarAsync())!;
        var records = (await device.PullAllAsync()).Changes.Where(change => change["entity"]!.ToString() == "note");
        var sum = LocalStore.Sum("note", records.Select(record => (record["id"]!.ToString(), (long)record["rev"]!))).Split('"')[^2];
        return figures.Replace(sum, "SUM", StringComparison.Ordinal);
    }
}
