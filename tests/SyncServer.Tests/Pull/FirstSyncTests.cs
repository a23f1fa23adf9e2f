using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Pull;

/// <summary>The first pull of a device, page by page.</summary>
public sealed class FirstSyncTests
{
    private const int Records = 60;

    [Fact]
    public async Task It_goes_on_from_the_cursor_of_any_page_at_any_server_to_the_same_records()
    {
        var phone = New();
        var ids = await FilledAsync(phone);
        // Deleted before the first request: on no page.
        await phone.BatchAsync(ids.Take(20).Select(id => Op("delete", id, 1)));
        var (whole, head) = await phone.PullAllAsync(limit: 1000);
        Assert.Equal(ids.Skip(20), whole.Select(Id));

        var told = new List<JsonNode>();
        string? cursor = null;
        while (cursor != head)
        {
            var other = phone.Other("tablet", told.Count % 2 == 0 ? TestServers.A : TestServers.B);
            var (rest, end) = await other.PullAllAsync(cursor, limit: 9);
            Assert.Equal((string.Join(' ', whole.Select(Id)), head), (string.Join(' ', told.Concat(rest).Select(Id)), end));
            var page = await phone.PullAsync("?limit=7" + (cursor is null ? "" : $"&cursor={cursor}"));
            told.AddRange(page.Body["changes"]!.AsArray().Select(change => change!));
            cursor = page["cursor"];
        }

        Assert.Equal(whole.Select(change => change.ToJsonString()), told.Select(change => change.ToJsonString()));
    }

    [Fact]
    public async Task Its_pages_are_cut_where_the_next_change_would_exceed_the_bytes_and_the_limit_counts_too()
    {
        await using var narrow = await TestServers.StartAsync("--Sync:PullBytesMax=4000");
        var phone = New(narrow);
        var sizes = new[] { 100, 3000, 100, 5000, 100, 100, 3900, 3900, 100, 100, 100 };
        foreach (var size in sizes)
        {
            await phone.PushAsync("create", NewId(), 0, $$"""{"b":"{{new string('x', size)}}"}""");
        }

        var counts = new List<string>();
        var told = new List<int>();
        Answer page;
        string? cursor = null;
        do
        {
            page = await phone.PullAsync("?limit=3" + (cursor is null ? "" : $"&cursor={cursor}"));
            var changes = page.Body["changes"]!.AsArray();
            told.AddRange(changes.Select(change => change!["data"]!["b"]!.ToString().Length));
            counts.Add($"{changes.Count} {page["hasMore"]}");
            Assert.True(page.Bytes.Length <= 4300 || changes.Count == 1);
            cursor = page["cursor"];
        }
        while (page["hasMore"] == "true");
        Assert.Equal(sizes, told);
        Assert.Equal(["1 true", "1 true", "1 true", "1 true", "2 true", "1 true", "1 true", "3 false"], counts);
    }

    private static string Id(JsonNode change) => change["id"]!.ToString();

    private static async Task<string[]> FilledAsync(Device phone)
    {
        string[] ids = [.. Enumerable.Range(0, Records).Select(_ => NewId())];
        await phone.BatchAsync(ids.Select(id => Op("create", id, 0, """{"a":1}""")));
        return ids;
    }
}
