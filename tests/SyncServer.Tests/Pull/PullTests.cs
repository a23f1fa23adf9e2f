using Npgsql;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Pull;

/// <summary>Protocol 5: <c>GET sync/changes</c>.</summary>
public sealed class PullTests
{
    [Fact]
    public async Task Each_record_appears_once_with_its_latest_state_in_the_order_of_its_last_change()
    {
        var phone = New();
        var (one, two) = (NewId(), NewId());
        await phone.PushAsync("create", one, 0, """{"t":1}""");
        await phone.PushAsync("create", two, 0, """{"t":2}""");
        await phone.PushAsync("update", one, 1, """{"t":3}""");
        var page = await phone.PullAsync();
        Assert.Equal([(two, "2"), (one, "3")], page.Body["changes"]!.AsArray().Select(c => (c!["id"]!.ToString(), c["data"]!["t"]!.ToString())));
        Assert.Equal(("false", "private, no-cache"), (page["hasMore"], page.Header("Cache-Control")));
        Assert.Contains("Authorization", page.Header("Vary"));
    }

    [Fact]
    public async Task Pages_have_exactly_the_limit_and_lead_to_the_head_where_the_cursor_stands_still()
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(0, 5).Select(_ => Op("create", NewId(), 0, "{}")));
        var sizes = new List<string>();
        string? cursor = null;
        Answer page;
        do
        {
            page = await phone.PullAsync("?limit=2" + (cursor is null ? "" : $"&cursor={cursor}"));
            sizes.Add($"{page.Body["changes"]!.AsArray().Count} {page["hasMore"]}");
            cursor = page["cursor"];
        }
        while (page["hasMore"] == "true");
        Assert.Equal(["2 true", "2 true", "1 false"], sizes);

        var rest = await phone.PullAsync($"?cursor={cursor}");
        Assert.Equal((200, cursor, "false"), (rest.Status, rest["cursor"], rest["hasMore"]));
        Assert.Empty(rest.Body["changes"]!.AsArray());
        var full = await phone.PullAsync("?limit=5");
        Assert.Equal("false", full["hasMore"]);
    }

    [Fact]
    public async Task At_the_head_the_etag_gives_304_and_a_change_ends_that()
    {
        var (phone, id) = await WithNoteAsync("{}");
        var (_, cursor) = await phone.PullAllAsync();
        var rest = await phone.PullAsync($"?cursor={cursor}");
        var etag = rest.Header("ETag")!;
        var unchanged = await phone.GetAsync($"sync/changes?cursor={cursor}", ("If-None-Match", etag));
        Assert.Equal((304, etag, 0), (unchanged.Status, unchanged.Header("ETag"), unchanged.Bytes.Length));
        await phone.PushAsync("update", id, 1, """{"a":1}""");
        Assert.Equal(200, (await phone.GetAsync($"sync/changes?cursor={cursor}", ("If-None-Match", etag))).Status);
    }

    [Fact]
    public async Task A_cursor_that_is_not_at_the_head_is_never_304()
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(0, 3).Select(_ => Op("create", NewId(), 0, "{}")));
        var page = await phone.PullAsync("?limit=2");
        var next = await phone.GetAsync($"sync/changes?cursor={page["cursor"]}", ("If-None-Match", page.Header("ETag")!));
        Assert.Equal(200, next.Status);
        Assert.Single(next.Body["changes"]!.AsArray());
    }

    [Fact]
    public async Task A_tombstone_is_told_to_who_pulled_before_and_left_out_of_a_first_pull()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var (_, cursor) = await phone.PullAllAsync();
        await phone.PushAsync("delete", id, 1);
        var (told, _) = await phone.PullAllAsync(cursor);
        Assert.Equal(("true", "2", null), (told.Single()["deleted"]!.ToString(), told.Single()["rev"]!.ToString(), told.Single()["data"]));
        Assert.Empty((await phone.PullAllAsync()).Changes);
    }

    [Fact]
    public async Task What_is_deleted_while_a_first_pull_is_paging_is_told()
    {
        var phone = New();
        string[] ids = [NewId(), NewId(), NewId(), NewId()];
        foreach (var id in ids)
        {
            await phone.PushAsync("create", id, 0, "{}");
        }

        await phone.PushAsync("delete", ids[3], 1);
        var first = await phone.PullAsync("?limit=1");
        await phone.PushAsync("delete", ids[0], 1);
        var (rest, _) = await phone.PullAllAsync(first["cursor"], limit: 1);
        Assert.Equal(ids[0], first.Body["changes"]![0]!["id"]!.ToString());
        Assert.Equal([(ids[1], "false"), (ids[2], "false"), (ids[0], "true")], rest.Select(c => (c["id"]!.ToString(), c["deleted"]!.ToString())));
    }

    [Fact]
    public async Task Now_is_nothing_but_a_cursor_at_the_head()
    {
        var (phone, id) = await WithNoteAsync("{}");
        var now = await phone.PullAsync("?cursor=now");
        Assert.Empty(now.Body["changes"]!.AsArray());
        Assert.Equal("false", now["hasMore"]);
        await phone.PushAsync("update", id, 1, """{"a":1}""");
        Assert.Single((await phone.PullAllAsync(now["cursor"])).Changes);
    }

    [Fact]
    public async Task A_filter_is_a_set_and_part_of_the_cursor()
    {
        var (phone, _) = await WithNoteAsync("{}");
        await phone.PushAsync($$"""{"opId":"t","entity":"task","entityId":"t1","kind":"create","patch":{} }""");
        var tasks = await phone.PullAsync("?entity=task&entity=list");
        Assert.Equal("task", Assert.Single(tasks.Body["changes"]!.AsArray())!["entity"]!.ToString());
        var cursor = tasks["cursor"];
        Assert.Equal(200, (await phone.PullAsync($"?cursor={cursor}&entity=list&entity=task")).Status);
        foreach (var query in new[] { $"?cursor={cursor}", $"?cursor={cursor}&entity=task" })
        {
            var changed = await phone.PullAsync(query);
            Assert.Equal((410, "/problems/resync-required", "filter", "no-store"), (changed.Status, changed["type"], changed["reason"], changed.Header("Cache-Control")));
        }

        await phone.PushAsync("create", NewId(), 0, "{}");
        var none = await phone.PullAsync($"?cursor={cursor}&entity=list&entity=task");
        Assert.Empty(none.Body["changes"]!.AsArray());
        Assert.NotEqual(cursor, none["cursor"]);
    }

    [Fact]
    public async Task A_page_ends_at_its_bytes_which_only_a_single_change_may_exceed()
    {
        var phone = New();
        for (var i = 0; i < 8; i++)
        {
            await phone.PushAsync("create", NewId(), 0, $$"""{"body":"{{new string('x', 200_000)}}"}""");
        }

        var page = await phone.PullAsync();
        Assert.Equal("true", page["hasMore"]);
        Assert.InRange(page.Bytes.Length, 600_000, 1024 * 1024);
        Assert.Equal(8, (await phone.PullAllAsync()).Changes.Count);

        await using var narrow = await TestServers.StartAsync("--Sync:PullBytesMax=1000");
        var single = await phone.Other("phone", narrow).PullAsync();
        Assert.Equal((1, "true"), (single.Body["changes"]!.AsArray().Count, single["hasMore"]));
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=")]
    [InlineData("limit=ten")]
    [InlineData("limit=-1")]
    [InlineData("entity=%24nope")]
    [InlineData("entity=")]
    public async Task A_malformed_question_is_400(string query) => Assert.Equal(400, (await New().PullAsync("?" + query)).Status);

    [Fact]
    public async Task A_limit_above_the_maximum_is_clamped()
    {
        var phone = New();
        await phone.PullAsync();
        Assert.Equal(200, (await phone.PullAsync("?limit=99999999999999999999")).Status);
    }

    [Fact]
    public async Task A_cursor_of_another_space_or_an_altered_one_is_invalid()
    {
        var (phone, _) = await WithNoteAsync("{}");
        var (_, cursor) = await phone.PullAllAsync();
        var altered = cursor[..^2] + (cursor[^2] == 'A' ? 'B' : 'A') + cursor[^1];
        foreach (var answer in new[] { await New().PullAsync($"?cursor={cursor}"), await phone.PullAsync($"?cursor={altered}"), await phone.PullAsync("?cursor=") })
        {
            Assert.Equal((400, "/problems/invalid-cursor"), (answer.Status, answer["type"]));
        }
    }

    [Fact]
    public async Task A_cursor_survives_at_another_server()
    {
        var (phone, _) = await WithNoteAsync("{}");
        var (_, cursor) = await phone.PullAllAsync();
        Assert.Equal(cursor, (await phone.Other("phone", TestServers.B).PullAsync($"?cursor={cursor}"))["cursor"]);
    }

    [Fact]
    public async Task A_cursor_below_the_tombstone_horizon_is_expired_but_a_first_pull_under_way_is_not()
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(0, 3).Select(_ => Op("create", NewId(), 0, "{}")));
        var old = await phone.PullAsync("?cursor=now");
        await phone.BatchAsync(Enumerable.Range(0, 3).Select(_ => Op("create", NewId(), 0, "{}")));
        var firstPull = await phone.PullAsync("?limit=1");
        await ExecuteAsync(phone, "UPDATE spaces SET tombstone_horizon = 5 WHERE space_id = $1");
        var expired = await phone.PullAsync($"?cursor={old["cursor"]}");
        Assert.Equal((410, "expired", "keep"), (expired.Status, expired["reason"], expired["plan.outbox"]));
        Assert.Equal(5, (await phone.PullAllAsync(firstPull["cursor"])).Changes.Count);
    }

    /// <summary>What a purge would do to the personal space of a test.</summary>
    private static async Task ExecuteAsync(Device phone, string sql)
    {
        var space = await SpaceIdAsync(phone);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = space });
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    internal static async Task<Guid> SpaceIdAsync(Device phone)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("SELECT space_id FROM accounts WHERE principal = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = phone.Principal });
        return (Guid)(await command.ExecuteScalarAsync())!;
    }
}
