using Npgsql;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>A connection that ends while its COMMIT is on the way says nothing about what was stored.</summary>
public sealed class LostCommitTests
{
    [Theory]
    [InlineData(nameof(Cut.BeforeCommit))]
    [InlineData(nameof(Cut.AfterCommit))]
    public async Task A_push_whose_commit_is_lost_is_applied_once_and_answered_as_the_first(string point)
    {
        await using var proxy = new CuttingProxy(TestServers.ConnectionString);
        await using var held = await HeldServer.StartAsync(proxy.ConnectionString, []);
        var (phone, other) = (New(held.Server), New(held.Server));
        await phone.PullAsync();
        await other.PullAsync();
        var old = Op("create", "old", 0, "{}");
        await phone.PushAsync(old);
        await held.HoldAsync();
        var op = Op("create", "first", 0, """{"title":"a"}""");
        var first = await held.QueueAsync(() => phone.PushAsync(op));
        var second = await held.QueueAsync(() => phone.BatchAsync([Op("update", "first", 1, """{"title":"b"}"""), old]), ops: 2);
        var elsewhere = await held.QueueAsync(() => other.PushAsync("create", "elsewhere", 0, "{}"));
        proxy.Arm(Enum.Parse<Cut>(point));
        await held.ReleaseAsync();

        Assert.Equal((201, 200, 201, 1), ((await first).Status, (await second).Status, (await elsewhere).Status, proxy.Cuts));
        Assert.Null((await first).Header("Idempotent-Replayed"));
        Assert.Equal("200  201 true", string.Join(' ', (await second).Body["results"]!.AsArray().Select(result => $"{result!["status"]} {result["replayed"]}")));
        var repeat = await phone.PushAsync(op);
        Assert.Equal("true", repeat.Header("Idempotent-Replayed"));
        Assert.Equal((await first).Bytes, repeat.Bytes);
        Assert.Equal([(3L, 3L)], await QueueTests.HeadsAsync(phone));
        Assert.Equal([(1L, 1L)], await QueueTests.HeadsAsync(other));
        Assert.Equal((3L, 2L), await FiguresAsync(phone));
    }

    [Theory]
    [InlineData(nameof(Cut.BeforeCommit))]
    [InlineData(nameof(Cut.AfterCommit))]
    public async Task A_group_whose_commit_is_lost_is_decided_push_by_push(string point)
    {
        await using var proxy = new CuttingProxy(TestServers.ConnectionString);
        await using var held = await HeldServer.StartAsync(proxy.ConnectionString, []);
        var phones = Enumerable.Range(0, 5).Select(_ => New(held.Server)).ToList();
        var ops = phones.Select(_ => Op("create", "note", 0, "{}")).ToList();
        await Task.WhenAll(phones.Select(phone => phone.PullAsync()));
        await held.HoldAsync();
        var pushes = new List<Task<Answer>>();
        foreach (var (phone, op) in phones.Zip(ops))
        {
            pushes.Add(await held.QueueAsync(() => phone.PushAsync(op)));
        }

        proxy.Arm(Enum.Parse<Cut>(point));
        await held.ReleaseAsync();
        await Task.WhenAll(pushes);
        Assert.Equal(1, proxy.Cuts);
        foreach (var (push, phone, op) in pushes.Zip(phones, ops))
        {
            var repeat = await phone.PushAsync(op);
            Assert.Equal((201, null, "true"), ((await push).Status, (await push).Header("Idempotent-Replayed"), repeat.Header("Idempotent-Replayed")));
            Assert.Equal((await push).Bytes, repeat.Bytes);
            Assert.Equal([(1L, 1L)], await QueueTests.HeadsAsync(phone));
            Assert.Equal((1L, 1L), await FiguresAsync(phone));
        }
    }

    /// <summary>Ops applied and repeats answered, of notes in the device's own space.</summary>
    private static async Task<(long Applied, long Replayed)> FiguresAsync(Device device)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("""
            SELECT (figures -> 'note' ->> 'applied')::bigint, (figures -> 'note' ->> 'replayed')::bigint
            FROM accounts JOIN spaces USING (space_id) WHERE principal = $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = device.Principal });
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        return (reader.GetInt64(0), reader.GetInt64(1));
    }
}
