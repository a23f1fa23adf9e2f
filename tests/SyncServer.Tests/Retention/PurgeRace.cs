using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Retention;

/// <summary>
/// Devices that write through two servers while both purge, by a clock on which a minute, the shortest retention, passes in a
/// tenth of a second. Readers of every kind are held against it.
/// </summary>
internal sealed class PurgeRace : IAsyncDisposable
{
    /// <summary>The record that is made when all others are as they stay.</summary>
    public const string Last = "last";

    private const int Writers = 4, Rounds = 25;

    // Written down before a request that may change it, and after the answer that confirms it: what a pull between must show.
    private readonly ConcurrentDictionary<string, long> _live = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _leaving = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _deleted = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _creates = new();
    private readonly ScratchDatabase _database;
    private int _decided;

    private PurgeRace(ScratchDatabase database) => _database = database;

    public TestServer A { get; private init; } = null!;

    public TestServer B { get; private init; } = null!;

    /// <param name="interval">Between two rounds of retention; zero where the test runs them.</param>
    public static async Task<PurgeRace> StartAsync(string interval)
    {
        var database = await ScratchDatabase.CreateAsync();
        var clock = new FastClock();
        return new PurgeRace(database) { A = await StartAsync(database, clock, interval), B = await StartAsync(database, clock, interval) };
    }

    /// <summary>A device's page before a record on it was deleted: the first delete of all, and so the first that is purged.</summary>
    public async Task<Answer> EarlyPageAsync(Device phone)
    {
        await PushAsync(phone, Op("create", "early", 0, "{}"), 201);
        var page = await phone.PullAsync("?entity=note");
        await PushAsync(phone, Op("delete", "early", 1), 200);
        _live["early"] = 1;
        _leaving["early"] = _deleted["early"] = true;
        return page;
    }

    /// <summary>Returns once a tombstone is purged.</summary>
    public Task UntilPurgedAsync() => UntilAsync("SELECT (tombstone_horizon > 0)::text FROM spaces", "true");

    /// <summary>Every writer to its end; half-way each waits until something is purged. The last write of all is <see cref="Last"/>.</summary>
    public async Task WriteAsync(Device phone)
    {
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(i => WriteAsync(phone.Other($"w{i}", i % 2 == 0 ? A : B), i)));
        var create = Op("create", Last, 0, "{}");
        _creates.Enqueue(create);
        await TwiceAsync(phone, create, 201);
        _live[Last] = 1;
    }

    /// <summary>What a pull that begins now has to bring, at this revision or a higher one, unless it is on its way out.</summary>
    public KeyValuePair<string, long>[] Live => _live.ToArray();

    /// <summary>Whether a record that was live may be gone by now.</summary>
    public bool MayBeGone(string id) => _leaving.ContainsKey(id);

    /// <summary>What no pull that begins now may leave behind.</summary>
    public string[] Deleted => [.. _deleted.Keys];

    /// <summary>What every reader holds in the end.</summary>
    public IEnumerable<KeyValuePair<string, long>> Left => Sorted(_live.Where(record => !_deleted.ContainsKey(record.Key)));

    public static IEnumerable<KeyValuePair<string, long>> Sorted(IEnumerable<KeyValuePair<string, long>> records) =>
        records.OrderBy(record => record.Key, StringComparer.Ordinal);

    /// <summary>Once all is purged that ever will be, nothing has a second effect, and the horizons stand where they say.</summary>
    public async Task EndAsync(Device phone)
    {
        await UntilAsync("""
            SELECT concat_ws(' ', head - history_horizon, (SELECT count(*) FROM records WHERE deleted AND seq IS NOT NULL),
                (SELECT count(*) FROM outcomes WHERE body IS NOT NULL)) FROM spaces
            """, "1 0 0");
        foreach (var (at, op) in _creates.Index())
        {
            AssertExpired(await phone.Other("late", at % 2 == 0 ? A : B).PushAsync(op));
        }

        Assert.Equal([_decided.ToString(CultureInfo.InvariantCulture)], await _database.LinesAsync("SELECT count(*)::text FROM outcomes"));
        Assert.Equal(["true"], await _database.LinesAsync("""
            SELECT (head - history_horizon = (SELECT count(*) FROM changes) AND history_horizon < tombstone_horizon AND tombstone_horizon <= head
                AND head >= (SELECT max(seq) FROM records))::text FROM spaces
            """));
    }

    public async ValueTask DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>Creates, edits and deletes, each sent twice; of three records two are deleted, and stay so whatever comes late.</summary>
    private async Task WriteAsync(Device device, int writer)
    {
        for (var round = 0; round < Rounds; round++)
        {
            if (round == Rounds / 2)
            {
                await UntilPurgedAsync();
            }

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
            await PushAsync(device.Other("late"), Op("create", id, 0, "{}"), 409);
        }
    }

    private async Task<Answer> PushAsync(Device device, string op, int status)
    {
        var answer = await device.PushAsync(op);
        Assert.Equal(status, answer.Status);
        Interlocked.Increment(ref _decided);
        return answer;
    }

    private async Task TwiceAsync(Device device, string op, int status)
    {
        var (first, again) = (await PushAsync(device, op, status), await device.PushAsync(op));
        Assert.Equal("true", again.Header("Idempotent-Replayed"));
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

    private Task UntilAsync(string sql, string line) =>
        Patience.UntilAsync(async () => await _database.LinesAsync(sql) is [var found] && found == line, $"{sql} is {line}");

    private static Task<TestServer> StartAsync(ScratchDatabase database, TimeProvider clock, string interval) => TestServer.StartAsync(
        database.ConnectionString,
        builder => builder.Services.AddSingleton(clock),
        "--Sync:IdempotencyRetention=00:01:00", "--Sync:TombstoneRetention=00:01:00", "--Sync:HistoryRetention=00:01:00",
        $"--Sync:Retention:Interval={interval}",
        // The database has no such clock.
        "--Sync:Retention:ClockTolerance=36500.00:00:00");

    /// <summary>Tells the time of day so many times as fast; timers and stopwatches go as they do.</summary>
    private sealed class FastClock : TimeProvider
    {
        private const int Speed = 600;

        private readonly DateTimeOffset _begun = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => _begun + ((base.GetUtcNow() - _begun) * Speed);
    }
}
