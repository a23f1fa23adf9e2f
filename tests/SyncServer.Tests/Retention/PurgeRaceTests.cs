using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Retention;

/// <summary>While two servers purge, pulls skip nothing, nobody comes back, and no repeat has a second effect.</summary>
public sealed class PurgeRaceTests
{
    [Theory]
    [InlineData("00:00:00.200", false)]
    [InlineData("00:00:00", true)]
    public async Task Pulls_skip_nothing_and_bring_nobody_back_while_two_servers_purge(string interval, bool withoutPause)
    {
        await using var race = await PurgeRace.StartAsync(interval);
        var phone = New(race.A);
        await phone.PullAsync();
        using var ending = new CancellationTokenSource();
        var purging = withoutPause ? Task.WhenAll(PurgeAsync(race.A, ending.Token), PurgeAsync(race.B, ending.Token)) : Task.CompletedTask;
        var writing = race.WriteAsync(phone);
        await Task.WhenAll(
            FollowAsync(race, phone.Other("r0", race.A), writing, 3), FollowAsync(race, phone.Other("r1", race.B), writing, 50));
        await writing;
        await race.EndAsync(phone);
        await ending.CancelAsync();
        await purging;
    }

    /// <summary>A device that pulls to the head again and again, and begins anew where it is told so.</summary>
    private static async Task FollowAsync(PurgeRace race, Device device, Task writing, int limit)
    {
        var held = new HeldRecords();
        string? cursor = null;
        bool ended;
        do
        {
            // Asked before the pull, so that the last round starts after the last answer.
            ended = writing.IsCompleted;
            var (live, deleted) = (race.Live, race.Deleted);
            cursor = await PullAsync(device, held, cursor, limit);
            Assert.All(deleted, id => Assert.Equal(0, held[id]));
            Assert.All(live.Where(record => !race.MayBeGone(record.Key)), record => Assert.True(
                held[record.Key] >= record.Value, $"{record} is held as {held[record.Key]}"));
        }
        while (!ended);
        Assert.Equal(race.Left, held.Live);
    }

    private static async Task<string> PullAsync(Device device, HeldRecords held, string? cursor, int limit)
    {
        while (true)
        {
            var page = await device.PullAsync($"?entity=note&limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
            if (page.Status == 410)
            {
                Assert.Equal("expired", page["reason"]);
                held.Begin();
                cursor = null;
                continue;
            }

            Assert.Equal(200, page.Status);
            held.Take(page.Body);
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
}
