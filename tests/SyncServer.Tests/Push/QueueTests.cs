using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Push;
using SyncServer.Spaces;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>What waits, for whom, and for how long.</summary>
public sealed class QueueTests
{
    [Fact]
    public async Task A_space_that_somebody_else_has_locked_holds_up_nobody_else()
    {
        // A worker that waited would have nobody to go on beside it.
        await using var server = await TestServers.StartAsync("--Push:Workers=1");
        var (phone, other) = (New(server), New(server));
        await other.PullAsync();
        var space = Guid.Parse(await phone.SpaceIdAsync());
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await LockAsync(blocker, space);
        var held = Enumerable.Range(0, 3).Select(_ => phone.PushAsync("create", NewId(), 0, "{}")).ToList();
        await UntilWaitingAsync(source, blocker);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(201, (await other.PushAsync("create", NewId(), 0, "{}")).Status);
        }

        Assert.All(held, push => Assert.False(push.IsCompleted));
        await hold.RollbackAsync();
        Assert.All(await Task.WhenAll(held), answer => Assert.Equal(201, answer.Status));
    }

    [Fact]
    public async Task A_space_that_stays_locked_is_503_and_changes_nothing()
    {
        await using var server = await TestServers.StartAsync("--Database:LockTimeout=00:00:01");
        var (phone, other) = (New(server), New(server));
        var space = Guid.Parse(await phone.SpaceIdAsync());
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await LockAsync(blocker, space);
        var op = Op("create", "late", 0, "{}");
        var refused = await phone.PushAsync(op);
        Assert.Equal((503, "/problems/unavailable", "2"), (refused.Status, refused["type"], refused.Header("Retry-After")));
        Assert.Equal(201, (await other.PushAsync("create", NewId(), 0, "{}")).Status);
        await hold.RollbackAsync();
        var repeated = await phone.PushAsync(op);
        Assert.Equal((201, null), (repeated.Status, repeated.Header("Idempotent-Replayed")));
    }

    [Fact]
    public async Task Beyond_its_bound_the_queue_answers_503_and_takes_the_same_push_later()
    {
        await using var held = await HeldServer.StartAsync("--Push:QueueOps=2");
        var phone = New(held.Server);
        await phone.PullAsync();
        await held.HoldAsync();
        var waits = await held.QueueAsync(() => phone.PushAsync("create", "first", 0, "{}"));
        var op = Op("create", "second", 0, "{}");
        var refused = await phone.PushAsync(op);
        Assert.Equal((503, "/problems/unavailable", "2"), (refused.Status, refused["type"], refused.Header("Retry-After")));
        await held.ReleaseAsync();
        Assert.Equal((201, 201), ((await waits).Status, (await phone.PushAsync(op)).Status));
        var batch = await phone.BatchAsync(Enumerable.Range(0, 5).Select(i => Op("create", $"batch-{i}", 0, "{}")));
        Assert.Equal(200, batch.Status);
        await held.QueuedAsync(0);
    }

    [Fact]
    public async Task A_space_that_is_locked_and_a_principal_that_waits_leave_room_for_others()
    {
        await using var server = await TestServers.StartAsync("--Push:QueueOps=16");
        var (alice, space) = await New(server).SharedAsync();
        var (bob, other) = (New(server), New(server));
        Assert.Equal(201, (await alice.PutMemberAsync(bob.Principal, "writer")).Status);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await LockAsync(blocker, Guid.Parse(space));
        var waiting = new[] { CreateAsync(alice), CreateAsync(alice) };
        await Patience.UntilAsync(() => server.App.Services.GetRequiredService<CommitQueue>().Ops == 2, "two ops wait");
        Assert.Equal((503, 503), (await CreateAsync(bob.In(space)), await CreateAsync(alice.In("me"))));
        Assert.Equal((201, 201), (await CreateAsync(bob), await CreateAsync(other)));
        Assert.All(waiting, push => Assert.False(push.IsCompleted));
        await hold.RollbackAsync();
        Assert.All(await Task.WhenAll(waiting), status => Assert.Equal(201, status));
        Assert.Equal((201, 201), (await CreateAsync(bob.In(space)), await CreateAsync(alice.In("me"))));
    }

    [Fact]
    public async Task A_space_that_stays_locked_keeps_a_lane_from_nobody()
    {
        await using var server = await TestServers.StartAsync("--Push:Lanes=1");
        var (stuck, other) = (New(server), New(server));
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var first = await source.OpenConnectionAsync();
        await using var second = await source.OpenConnectionAsync();
        await using var stays = await LockAsync(first, Guid.Parse(await stuck.SpaceIdAsync()));
        await using var ends = await LockAsync(second, Guid.Parse(await other.SpaceIdAsync()));
        var waits = CreateAsync(stuck);
        await UntilWaitingAsync(source, first);
        var gets = CreateAsync(other);
        await UntilWaitingAsync(source, second);
        await ends.RollbackAsync();
        Assert.Equal(201, await gets);
        Assert.False(waits.IsCompleted);
        await stays.RollbackAsync();
        Assert.Equal(201, await waits);
    }

    [Fact]
    public async Task A_push_waits_for_a_locked_space_for_as_long_as_a_lock_may_be_waited_for()
    {
        var clock = new LeapingClock();
        await using var server = await TestServers.StartAsync(
            builder => builder.Services.AddSingleton<TimeProvider>(clock), "--Database:LockTimeout=00:10:00");
        var phone = New(server);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await LockAsync(blocker, Guid.Parse(await phone.SpaceIdAsync()));
        var waits = CreateAsync(phone);
        await UntilTriedAsync();
        clock.Leap(TimeSpan.FromMinutes(5));

        // The first try that is seen may have been on its way before.
        await UntilTriedAsync();
        await UntilTriedAsync();
        Assert.False(waits.IsCompleted);
        await hold.RollbackAsync();
        Assert.Equal(201, await waits);

        async Task UntilTriedAsync()
        {
            await using var now = source.CreateCommand("SELECT clock_timestamp()");
            var begun = (DateTime)(await now.ExecuteScalarAsync())!;
            await Patience.UntilAsync(async () => waits.IsCompleted || await WaitingAsync(source, blocker, begun), "the push tries again");
        }
    }

    [Fact]
    public async Task A_push_whose_client_leaves_before_its_group_begins_is_not_decided()
    {
        await using var held = await HeldServer.StartAsync();
        var phone = New(held.Server);
        var space = Guid.Parse(await phone.SpaceIdAsync());
        await held.HoldAsync();
        using var gone = new CancellationTokenSource();
        var left = Push(held, phone, space, ("note", "left"), gone.Token);
        await gone.CancelAsync();
        await held.ReleaseAsync();
        await Assert.ThrowsAsync<TaskCanceledException>(() => left);
        Assert.DoesNotContain("left", (await phone.PullAllAsync()).Changes.Select(change => change["id"]!.ToString()));
        await held.QueuedAsync(0);
    }

    [Fact]
    public async Task A_push_whose_client_leaves_while_it_is_decided_is_stored()
    {
        await using var held = await HeldServer.StartAsync();
        var phone = New(held.Server);
        var space = Guid.Parse(await phone.SpaceIdAsync());
        using var gone = new CancellationTokenSource();
        var left = Push(held, phone, space, ("gate", "stored"), gone.Token);
        await held.EnteredAsync();
        await gone.CancelAsync();
        await held.ReleaseAsync();
        Assert.Equal(201, (await left).Outcomes![0].Status);
        Assert.Contains("stored", (await phone.PullAllAsync()).Changes.Select(change => change["id"]!.ToString()));
    }

    /// <summary>The head of the device's space, and how many changes it has.</summary>
    internal static async Task<List<(long Head, long Changes)>> HeadsAsync(Device device)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("""
            SELECT s.head, (SELECT count(*) FROM changes c WHERE c.space_id = s.space_id AND c.seq BETWEEN 1 AND s.head)
            FROM accounts a JOIN spaces s USING (space_id) WHERE a.principal = $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = device.Principal });
        await using var reader = await command.ExecuteReaderAsync();
        var heads = new List<(long, long)>();
        while (await reader.ReadAsync())
        {
            heads.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        return heads;
    }

    private static Task<(IReadOnlyList<Outcome>? Outcomes, Core.Rejection? Rejection)> Push(
        HeldServer held, Device phone, Guid space, (string Entity, string Id) record, CancellationToken aborted)
    {
        var (json, _) = JsonParser.Parse(System.Text.Encoding.UTF8.GetBytes(Op("create", record.Id, 0, "{}", entity: record.Entity)));
        var (op, opId, rejection) = OpParser.Parse(json!, null, null);
        var call = new SpaceCall(space, phone.Principal, "phone", null, "trace");
        return held.Server.App.Services.GetRequiredService<PushTransaction>()
            .RunAsync(call, new PushRequest([new PushItem(op, opId, rejection)]), aborted);
    }

    internal static async Task<NpgsqlTransaction> LockAsync(NpgsqlConnection connection, Guid space)
    {
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT head FROM spaces WHERE space_id = $1 FOR UPDATE", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = space });
        await command.ExecuteScalarAsync();
        return transaction;
    }

    /// <summary>Returns as soon as somebody waits for what the connection has locked.</summary>
    internal static Task UntilWaitingAsync(NpgsqlDataSource source, NpgsqlConnection blocker) =>
        Patience.UntilAsync(() => WaitingAsync(source, blocker, DateTime.UnixEpoch), "somebody waits for the lock");

    /// <summary>Whether somebody waits for what the connection has locked whose transaction began later than <paramref name="begun"/>.</summary>
    private static async Task<bool> WaitingAsync(NpgsqlDataSource source, NpgsqlConnection blocker, DateTime begun)
    {
        await using var command = source.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE xact_start > $2 AND $1 = ANY (pg_blocking_pids(pid))");
        command.Parameters.Add(new NpgsqlParameter { Value = blocker.ProcessID });
        command.Parameters.Add(new NpgsqlParameter { Value = begun });
        return (long)(await command.ExecuteScalarAsync())! > 0;
    }

    private static async Task<int> CreateAsync(Device device) => (await device.PushAsync("create", NewId(), 0, "{}")).Status;

    /// <summary>A clock whose ticks can be moved.</summary>
    private sealed class LeapingClock : TimeProvider
    {
        private long _ticks;

        public void Leap(TimeSpan by) => Interlocked.Add(ref _ticks, (long)(by.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _ticks);
    }
}
