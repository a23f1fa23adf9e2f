using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using SyncServer.Retention;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Retention;

/// <summary>
/// Two servers purge while devices write and pull through both, by a clock on which a minute, the shortest retention, passes in a
/// tenth of a second: nothing is skipped, nobody comes back, and no repeat has a second effect.
/// </summary>
public sealed class PurgeRaceTests
{
    private const int Writers = 4, Rounds = 25;

    // Written down before a request that may change it, and after the answer that confirms it: what a pull between must show.
    private readonly ConcurrentDictionary<string, long> _live = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _leaving = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _deleted = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _creates = new();

    [Theory]
    [InlineData("00:00:00.200", false)]
    [InlineData("00:00:00", true)]
    public async Task Pulls_skip_nothing_and_bring_nobody_back_while_two_servers_purge(string interval, bool withoutPause)
    {
        await using var database = await ScratchDatabase.CreateAsync();
        var clock = new FastClock();
        await using var a = await StartAsync(database, clock, interval);
        await using var b = await StartAsync(database, clock, interval);
        var phone = New(a);
        await phone.PullAsync();
        using var ending = new CancellationTokenSource();
        var purging = withoutPause ? Task.WhenAll(PurgeAsync(a, ending.Token), PurgeAsync(b, ending.Token)) : Task.CompletedTask;
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(i => WriteAsync(phone.Other($"w{i}", i % 2 == 0 ? a : b), i)));
        await Task.WhenAll(FollowAsync(phone.Other("r0", a), writing, 3), FollowAsync(phone.Other("r1", b), writing, 50));
        await writing;
        await UntilPurgedAsync(database);
        await ending.CancelAsync();
        await purging;
        foreach (var (at, op) in _creates.Index())
        {
            AssertExpired(await phone.Other("late", at % 2 == 0 ? a : b).PushAsync(op));
        }

        Assert.Equal([((Writers * Rounds * 3) + _deleted.Count).ToString(CultureInfo.InvariantCulture)], await database.LinesAsync("SELECT count(*)::text FROM outcomes"));
        Assert.Equal(["true"], await database.LinesAsync("""
            SELECT (head - history_horizon = (SELECT count(*) FROM changes) AND history_horizon < tombstone_horizon AND tombstone_horizon <= head
                AND head >= (SELECT max(seq) FROM records))::text FROM spaces
            """));
    }

    /// <summary>Creates, edits and deletes, each sent twice; of three records two are deleted, and stay so whatever comes late.</summary>
    private async Task WriteAsync(Device device, int writer)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var id = $"{writer}-{round}";
            var create = Op("create", id, 0, """{"a":1}""");
            await TwiceAsync(device, create, 201);
            _live[id] = 1;
            _creates.Enqueue(create);
            await TwiceAsync(device, Op("update", id, 1, """{"a":2}"""), 200);
            _live[id] = 2;
            if (round % 3 == 0)
            {
                await TwiceAsync(device, Op("update", id, 2, """{"a":3}"""), 200);
                _live[id] = 3;
                continue;
            }

            _leaving[id] = true;
            await TwiceAsync(device, Op("delete", id, 2), 200);
            _deleted[id] = true;
            Assert.Equal(409, (await device.Other("late").PushAsync("create", id, 0, "{}")).Status);
        }
    }

    private async Task TwiceAsync(Device device, string op, int status)
    {
        var (first, again) = (await device.PushAsync(op), await device.PushAsync(op));
        Assert.Equal((status, "true"), (first.Status, again.Header("Idempotent-Replayed")));
        if (again.Status == 410)
        {
            AssertExpired(again);
            return;
        }

        Assert.Equal(first.Bytes, again.Bytes);
    }

    private static void AssertExpired(Answer again) => Assert.Equal(
        (410, "true", "/problems/outcome-expired", "applied"),
        (again.Status, again.Header("Idempotent-Replayed"), again["type"], again["state"]));

    /// <summary>A device that pulls to the head again and again, and begins anew where it is told so.</summary>
    private async Task FollowAsync(Device device, Task writing, int limit)
    {
        var held = new Dictionary<string, long>(StringComparer.Ordinal);
        string? cursor = null;
        bool ended;
        do
        {
            // Asked before the pull, so that the last round starts after the last answer.
            ended = writing.IsCompleted;
            var (live, deleted) = (_live.ToArray(), _deleted.Keys.ToArray());
            cursor = await PullAsync(device, held, cursor, limit);
            Assert.DoesNotContain(deleted, held.ContainsKey);
            Assert.All(live.Where(record => !_leaving.ContainsKey(record.Key)), record => Assert.True(
                held.GetValueOrDefault(record.Key) >= record.Value, $"{record} is held as {held.GetValueOrDefault(record.Key)}"));
        }
        while (!ended);
        Assert.Equal(
            _live.Where(record => !_deleted.ContainsKey(record.Key)).OrderBy(record => record.Key, StringComparer.Ordinal),
            held.OrderBy(record => record.Key, StringComparer.Ordinal));
    }

    private static async Task<string> PullAsync(Device device, Dictionary<string, long> held, string? cursor, int limit)
    {
        while (true)
        {
            var page = await device.PullAsync($"?entity=note&limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
            if (page.Status == 410)
            {
                Assert.Equal("expired", page["reason"]);
                held.Clear();
                cursor = null;
                continue;
            }

            Assert.Equal(200, page.Status);
            foreach (var change in page.Body["changes"]!.AsArray())
            {
                var id = change!["id"]!.ToString();
                held.Remove(id);
                if (change["deleted"]!.ToString() == "false")
                {
                    held.Add(id, (long)change["rev"]!);
                }
            }

            cursor = page["cursor"]!;
            if (page["hasMore"] == "false")
            {
                return cursor;
            }
        }
    }

    private static async Task PurgeAsync(TestServer server, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            await RetentionServers.PurgeAsync(server);
        }
    }

    /// <summary>Returns as soon as everything is purged that ever will be; the space lies still by then.</summary>
    private static Task UntilPurgedAsync(ScratchDatabase database) => Patience.UntilAsync(async () => await database.LinesAsync("""
        SELECT concat_ws(' ', head - history_horizon, (SELECT count(*) FROM records WHERE deleted AND seq IS NOT NULL),
            (SELECT count(*) FROM outcomes WHERE body IS NOT NULL)) FROM spaces
        """) is ["1 0 0"], "one change, no tombstone and no whole outcome are left");

    private static Task<TestServer> StartAsync(ScratchDatabase database, TimeProvider clock, string interval) => TestServer.StartAsync(
        database.ConnectionString,
        builder => builder.Services.AddSingleton(clock),
        "--Sync:IdempotencyRetention=00:01:00", "--Sync:TombstoneRetention=00:01:00", "--Sync:HistoryRetention=00:01:00",
        $"--Sync:Retention:Interval={interval}",
        // The database has no such clock.
        "--Sync:Retention:ClockTolerance=36500.00:00:00");

    private sealed class FastClock : TimeProvider
    {
        private const int Speed = 600;

        private readonly DateTimeOffset _begun = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => _begun + ((base.GetUtcNow() - _begun) * Speed);
    }
}
