using System.Globalization;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary>
/// Nothing is skipped and nothing comes twice, however writers at two servers, streams and waits interleave, while retention
/// looks at their space at every chance and finds nothing to take; <see cref="LivePurgeRaceTests"/> are the same while it does.
/// </summary>
public sealed class LiveRaceTests
{
    private const int Writers = 6, Ops = 25, Total = Writers * Ops;

    [Fact]
    public async Task Streams_see_every_change_once_and_in_order()
    {
        await using var a = await PurgingAsync();
        await using var b = await PurgingAsync();
        var reader = New(a);
        var start = (await reader.PullAsync("?cursor=now"))["cursor"]!;
        var streams = new[] { a, b, a, b }.Select(async (server, i) =>
        {
            var seen = new List<string>();
            var id = start;
            while (seen.Count < Total)
            {
                // Every second reader comes back after each few events, at the other server.
                await using var stream = await LiveStream.OpenAsync(
                    reader.Other($"r{i}", i < 2 || seen.Count % 2 == 0 ? server : a), "?limit=7", ("Last-Event-ID", id));
                var (records, last) = await stream.RecordsAsync(i < 2 ? Total : Math.Min(11, Total - seen.Count));
                seen.AddRange(records);
                id = last;
            }

            return seen;
        }).ToList();
        await WriteAsync(reader, b);
        Assert.All(await Task.WhenAll(streams), AssertWhole);
    }

    [Fact]
    public async Task Waits_see_every_change_once_and_in_order()
    {
        await using var a = await PurgingAsync();
        await using var b = await PurgingAsync();
        var reader = New(a);
        var start = (await reader.PullAsync("?cursor=now"))["cursor"]!;
        var waits = new[] { a, b }.Select(async (server, i) =>
        {
            var seen = new List<string>();
            var cursor = start;
            while (seen.Count < Total)
            {
                var page = await reader.Other($"r{i}", seen.Count % 2 == 0 ? server : a)
                    .GetAsync($"sync/changes?limit=7&cursor={cursor}", ("Prefer", "wait=40"));
                Assert.Equal(200, page.Status);
                seen.AddRange(page.Body["changes"]!.AsArray().Select(change => $"{change!["id"]}"));
                cursor = page["cursor"]!;
            }

            return seen;
        }).ToList();
        await WriteAsync(reader, b);
        Assert.All(await Task.WhenAll(waits), AssertWhole);
    }

    private static Task<TestServer> PurgingAsync() =>
        TestServer.StartAsync(TestServers.ConnectionString, "--Sync:Retention:Interval=00:00:00.200");

    private static async Task WriteAsync(Device reader, TestServer second) => await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
    {
        var device = writer % 2 == 0 ? reader.Other($"w{writer}") : reader.Other($"w{writer}", second);
        for (var i = 0; i < Ops; i++)
        {
            Assert.Equal(201, (await device.PushAsync("create", $"{writer}-{i}", 0, "{}")).Status);
        }
    }));

    private static void AssertWhole(List<string> seen)
    {
        Assert.Equal((Total, Total), (seen.Count, seen.Distinct().Count()));
        Assert.All(Enumerable.Range(0, Writers), writer => Assert.Equal(
            Enumerable.Range(0, Ops),
            seen.Where(id => id.StartsWith($"{writer}-", StringComparison.Ordinal)).Select(id => int.Parse(id.Split('-')[1], CultureInfo.InvariantCulture))));
    }
}
