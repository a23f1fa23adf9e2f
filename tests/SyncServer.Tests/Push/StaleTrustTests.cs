using Npgsql;
using SyncServer.Storage;
using SyncServer.Tests.Entities;
using SyncServer.Tests.Records;
using SyncServer.Tests.Merge;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Push.TrustTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>What a server remembers of spaces where that is not so any more and hardly anything tells.</summary>
// A server that starts with unique values brings all spaces to its definitions, which ends the trust in each of them.
[Collection(DefinedServersCollection.Name)]
public sealed class StaleTrustTests
{
    private const string Atomic = ""","atomic":true""";

    [Theory]
    [InlineData(null, "", 404)]
    [InlineData("reader", "", 403)]
    [InlineData(null, Atomic, 404)]
    [InlineData("reader", Atomic, 403)]
    public async Task Who_lost_the_role_elsewhere_hears_so_also_of_what_would_have_stored_nothing(string? left, string flags, int status)
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var (owner, space) = await New(TestServers.B).SharedAsync();
        var phone = (await owner.MemberAsync(space, "writer")).Other("phone", server);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal((1, 0), TrustOf(server));
        await LeaveAsync(owner, phone, left);
        string[] ops = flags == Atomic ? [Op("create", "n3", 0, "{}"), Op("create", "n3", 0, "{}")] : [Op("paint", "n3", 0, "{}")];
        Assert.Equal(status, (await phone.BatchAsync(ops, flags)).Status);
        Assert.Equal(0, await NotesAsync(owner, "n3"));
    }

    [Theory]
    [InlineData(null, 404)]
    [InlineData("reader", 403)]
    public async Task A_role_that_was_taken_away_elsewhere_stays_so_when_others_have_written_since(string? left, int status)
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var (owner, space) = await New(TestServers.B).SharedAsync();
        var phone = (await owner.MemberAsync(space, "writer")).Other("phone", server);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        await LeaveAsync(owner, phone, left);
        var other = owner.Other("phone", server);
        Assert.Equal((201, 201), (await CreateAsync(other, "n3"), await CreateAsync(other, "n4")));
        Assert.Equal((2, 0), TrustOf(server));
        Assert.Equal(status, await CreateAsync(phone, "n5"));
        Assert.Equal((2, 0), TrustOf(server));
        Assert.Equal((1, 0), (await NotesAsync(owner, "n4"), await NotesAsync(owner, "n5")));
    }

    [Fact]
    public async Task A_space_that_somebody_else_wrote_to_has_to_be_quiet_again()
    {
        await using var server = await TestServers.StartAsync("--Push:QuietWrites=2");
        var phone = New(server);
        (long, long)[] trust = [(0, 0), (0, 0), (1, 0), (1, 1), (1, 1), (2, 1)];
        for (var i = 0; i < trust.Length; i++)
        {
            if (i == 3)
            {
                Assert.Equal(201, await CreateAsync(phone.Other("tablet", TestServers.B), "t1"));
            }

            Assert.Equal(201, await CreateAsync(phone, $"n{i}"));
            Assert.Equal(trust[i], TrustOf(server));
        }

        Assert.Equal("""{"note":{"live":7,"sum":"SUM","applied":7}}""", await FiguresAsync(phone));
    }

    [Fact]
    public async Task What_moves_no_head_at_another_server_is_counted_too()
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var phone = New(server);
        var op = Op("create", "n1", 0, "{}");
        Assert.Equal((201, 201), ((await phone.PushAsync(op)).Status, await CreateAsync(phone, "n2")));
        Assert.Equal("true", (await phone.Other("phone", TestServers.B).PushAsync(op)).Header("Idempotent-Replayed"));
        Assert.Equal(201, await CreateAsync(phone, "n3"));
        Assert.Equal((1, 1), TrustOf(server));
        Assert.Equal("""{"note":{"live":3,"sum":"SUM","applied":3,"replayed":1}}""", await FiguresAsync(phone));
    }

    [Fact]
    public async Task What_a_create_depends_on_is_looked_up()
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var phone = New(server);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal(201, (await phone.PushAsync(Op("create", "n3", 0, "{}", opId: "first"))).Status);
        Assert.Equal(201, (await phone.PushAsync(Op("create", "n4", 0, "{}", more: ""","dependsOn":["first"]"""))).Status);
        Assert.Equal(424, (await phone.PushAsync(Op("create", "n5", 0, "{}", more: ""","dependsOn":["none"]"""))).Status);
        // What is refused was looked up under the lock.
        Assert.Equal((3, 0), TrustOf(server));
    }

    [Fact]
    public async Task A_server_that_writes_to_a_space_in_other_ways_knows_that_it_did()
    {
        await using var server = await TestServers.StartAsync(TrustsAtOnce);
        var (owner, _) = await New(server).SharedAsync();
        Assert.Equal((201, 201), (await CreateAsync(owner, "n1"), await CreateAsync(owner, "n2")));
        Assert.Equal((1, 0), TrustOf(server));
        Assert.Equal(201, (await owner.PutMemberAsync(Somebody(), "writer")).Status);
        Assert.Equal((201, 201), (await CreateAsync(owner, "n3"), await CreateAsync(owner, "n4")));
        Assert.Equal((2, 0), TrustOf(server));
    }

    [Fact]
    public async Task A_space_that_somebody_held_has_to_be_quiet_again()
    {
        await using var server = await TestServers.StartAsync("--Push:QuietWrites=2");
        var phone = New(server);
        var space = Guid.Parse(await phone.SpaceIdAsync());
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal((1, 0), TrustOf(server));
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await QueueTests.LockAsync(blocker, space);
        var held = CreateAsync(phone, "n3");
        await Patience.UntilAsync(() => TrustOf(server).Broken == 1, "the group waits for the space no longer");
        await QueueTests.UntilWaitingAsync(source, blocker);
        await hold.RollbackAsync();
        Assert.Equal((201, 201), (await held, await CreateAsync(phone, "n4")));
        Assert.Equal((1, 1), TrustOf(server));
        Assert.Equal(201, await CreateAsync(phone, "n5"));
        Assert.Equal((2, 1), TrustOf(server));
    }

    [Fact]
    public async Task Unique_values_wait_for_who_holds_the_space()
    {
        using var unique = new DefinitionsFile("""{"entities":{"locker":{"fields":{"number":{}},"unique":[["number"]]}}}""");
        await using var server = await TestServers.StartAsync($"--Sync:Entities={unique.Path}", TrustsAtOnce);
        var phone = New(server);
        var space = Guid.Parse(await phone.SpaceIdAsync());
        Assert.Equal((201, 201), (await LockerAsync(phone, "a", 1), await LockerAsync(phone, "b", 2)));
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        var trusted = TrustOf(server);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await QueueTests.LockAsync(blocker, space);
        var held = LockerAsync(phone, "c", 3);
        await Task.WhenAny(held, QueueTests.UntilWaitingAsync(source, blocker));
        Assert.False(held.IsCompleted);
        await hold.RollbackAsync();
        Assert.Equal(201, await held);
        Assert.Equal(409, await LockerAsync(phone, "d", 3));
        Assert.Equal(trusted, TrustOf(server));
    }

    [Fact]
    public async Task Of_a_database_that_was_restored_nothing_is_remembered()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString, TrustsAtOnce);
        var (owner, space) = await New(server).SharedAsync();
        var phone = New(server).In(space);
        Assert.Equal(201, (await owner.PutMemberAsync(phone.Principal, "writer")).Status);
        Assert.Equal((201, 201), (await CreateAsync(phone, "n1"), await CreateAsync(phone, "n2")));
        Assert.Equal((1, 0), TrustOf(server));
        var old = (await phone.GetAsync("/v1/session"))["epoch"];

        // As many changes as before, and this one was never made a writer.
        await database.LinesAsync($"DELETE FROM members WHERE principal = '{phone.Principal}' RETURNING ''");
        await using var command = ServerHost.Build([$"--ConnectionStrings:Sync={database.ConnectionString}", "--environment", "Development"]);
        Assert.Equal(0, await StorageCommands.TryRunAsync(["new-epoch"], command.Services));
        await Patience.UntilAsync(async () => (await phone.GetAsync("/v1/session"))["epoch"] != old, "another epoch is served");
        Assert.Equal(404, await CreateAsync(phone, "n3"));
        Assert.Equal((1, 0), TrustOf(server));
        Assert.Equal(0, await NotesAsync(owner, "n3"));
    }

    private static async Task LeaveAsync(Device owner, Device member, string? left) => Assert.InRange(
        (left is null ? await owner.RemoveMemberAsync(member.Principal) : await owner.PutMemberAsync(member.Principal, left)).Status, 200, 204);

    /// <summary>How many records have the id.</summary>
    private static async Task<int> NotesAsync(Device device, string id) =>
        (await device.PullAllAsync()).Changes.Count(change => change["id"]!.ToString() == id);
}
