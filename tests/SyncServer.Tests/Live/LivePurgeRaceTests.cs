using System.Text.Json.Nodes;
using SyncServer.Tests.Retention;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary>
/// While two servers purge tombstones, history and outcomes every 200 ms, streams and waits at both skip nothing and bring nobody
/// back; a reader that fell behind what is kept is told to begin anew, and does.
/// </summary>
public sealed class LivePurgeRaceTests
{
    private const string EveryRound = "00:00:00.200";

    /// <summary>Events or pages after which a reader that comes and goes reads at the other server.</summary>
    private const int Visit = 5;

    [Fact]
    public Task Streams_skip_nothing_and_bring_nobody_back_while_two_servers_purge() => RaceAsync(StreamAsync);

    [Fact]
    public Task Waits_skip_nothing_and_bring_nobody_back_while_two_servers_purge() => RaceAsync(WaitAsync);

    /// <summary>Two readers of a kind that stay, and two that were away for too long and then come and go.</summary>
    private static async Task RaceAsync(Func<Reader, Task> read)
    {
        await using var race = await PurgeRace.StartAsync(EveryRound);
        var phone = New(race.A);
        var early = await race.EarlyPageAsync(phone);
        var readers = Enumerable.Range(0, 4).Select(i => new Reader(race, i)).ToList();
        readers.ForEach(reader => reader.Take(early.Body, early["cursor"]!));
        var reading = Task.WhenAll(readers.Select(reader => reader.ReadAsync(phone, read)));
        await race.WriteAsync(phone);
        await reading;
        Assert.All(readers, reader => Assert.Equal(race.Left, reader.Live));
        Assert.All(readers, reader => Assert.True(reader.HasBegunAnew || !reader.Leaves));
        await race.EndAsync(phone);
    }

    private static async Task StreamAsync(Reader reader)
    {
        await using var stream = await LiveStream.OpenAsync(reader.Device, "?entity=note&limit=7", ("Last-Event-ID", reader.Cursor));
        for (var events = 0; !reader.HasAll && !(reader.Leaves && events == Visit); events++)
        {
            var block = await stream.EventAsync();
            if (block is { Event: "resync" })
            {
                reader.BeginAnew(block.Json["reason"]!.ToString());
                Assert.Null(await stream.EventAsync());
                return;
            }

            reader.Take(block!.Json, block.Id!);
        }
    }

    private static async Task WaitAsync(Reader reader)
    {
        for (var pages = 0; !reader.HasAll && !(reader.Leaves && pages == Visit); pages++)
        {
            var cursor = reader.Cursor.Length == 0 ? "" : $"&cursor={reader.Cursor}";
            var page = await reader.Device.GetAsync("sync/changes?entity=note&limit=7" + cursor, ("Prefer", "wait=40"));
            if (page.Status == 410)
            {
                reader.BeginAnew(page["reason"]!);
                return;
            }

            Assert.Equal(200, page.Status);
            reader.Take(page.Body, page["cursor"]!);
        }
    }

    /// <summary>A device that holds what it was told, from visit to visit.</summary>
    private sealed class Reader(PurgeRace race, int index)
    {
        private readonly HeldRecords _held = new();

        /// <summary>Up to where it was told; empty where it begins.</summary>
        public string Cursor { get; private set; } = "";

        /// <summary>Whether it comes and goes.</summary>
        public bool Leaves => index >= 2;

        /// <summary>The server of this visit.</summary>
        public Device Device { get; private set; } = null!;

        public IEnumerable<KeyValuePair<string, long>> Live => _held.Live;

        /// <summary>Whether nothing more is to come.</summary>
        public bool HasAll => _held[PurgeRace.Last] > 0;

        public bool HasBegunAnew { get; private set; }

        public async Task ReadAsync(Device phone, Func<Reader, Task> read)
        {
            if (Leaves)
            {
                await race.UntilPurgedAsync();
            }

            for (var visit = index; !HasAll; visit += Leaves ? 1 : 0)
            {
                Device = phone.Other($"r{index}", visit % 2 == 0 ? race.A : race.B);
                await read(this);
            }
        }

        public void Take(JsonNode page, string cursor)
        {
            _held.Take(page);
            Cursor = cursor;
        }

        public void BeginAnew(string reason)
        {
            Assert.Equal("expired", reason);
            _held.Begin();
            Cursor = "";
            HasBegunAnew = true;
        }
    }
}
