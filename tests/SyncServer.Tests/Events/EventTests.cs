using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using SyncServer.Core.Spaces;
using SyncServer.Tests.Pull;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Events;

/// <summary>Protocol 5: <c>GET sync/events</c>.</summary>
public sealed partial class EventTests
{
    private const string ForGood = "private, max-age=31536000, immutable";
    private const string AskAgain = "private, no-cache";

    [GeneratedRegex("\"at\":\"[0-9-]{10}T[0-9:.]{12}Z\"")]
    private static partial Regex At { get; }

    [Fact]
    public async Task Every_accepted_change_is_told_in_order_as_it_was_applied()
    {
        var phone = New();
        var tablet = phone.Other("tablet");
        await phone.PushAsync(Op("create", "r", 0, """{"t":"é","tags":["a"]}""", n: 1, opId: "1"));
        await tablet.PushAsync(Op("update", "r", 1, """{"tags":{"$add":["b"]},"x":null}""", opId: "2"));
        await phone.Other("").PushAsync(Op("update", "r", 2, """{"t":null}""", opId: "3"));
        await phone.PushAsync(Op("update", "r", 3, """{"tags":["a","b"]}""", opId: "agrees"));
        await phone.PushAsync(Op("update", "r", 9, """{"t":1}""", opId: "refused"));
        await phone.PushAsync(Op("delete", "r", 3, opId: "4 \\\"q\\\""));
        await phone.PushAsync(Op("restore", "r", 4, opId: "5"));
        Event[] expected =
        [
            new(1, "1", "r", 1, "create", """{"t":"é","tags":["a"]}""", "phone"),
            new(2, "2", "r", 2, "update", """{"tags":["a","b"]}""", "tablet"),
            new(3, "3", "r", 3, "update", """{"t":null}""", ""),
            new(4, "4 \"q\"", "r", 4, "delete", null, "phone"),
            new(5, "5", "r", 5, "restore", null, "phone"),
        ];
        var answer = await ReadAsync(phone);
        var written = string.Join(',', expected.Select(change => change.Written(phone.Principal)));
        Assert.Equal($$"""{"events":[{{written}}],"hasMore":false,"epoch":"{{await EpochAsync(phone)}}"}""",
            At.Replace(System.Text.Encoding.UTF8.GetString(answer.Bytes), "\"at\":\"\""));
        Assert.Equal((200, AskAgain, "Authorization"), (answer.Status, answer.Header("Cache-Control"), answer.Header("Vary")));
    }

    private sealed record Event(long Seq, string OpId, string Id, long Rev, string Kind, string? Patch, string Device)
    {
        public string Written(string by) => string.Join(',',
            $"{{\"seq\":{Seq}", $"\"opId\":\"{OpId.Replace("\"", "\\\"", StringComparison.Ordinal)}\"", "\"entity\":\"note\"", $"\"id\":\"{Id}\"", $"\"rev\":{Rev}",
            $"\"kind\":\"{Kind}\"{(Patch is null ? "" : $",\"patch\":{Patch}")}", $"\"by\":\"{by}\"", $"\"device\":\"{Device}\"", "\"at\":\"\"}");
    }

    [Fact]
    public async Task Conflicts_and_members_stand_in_the_log_and_no_seq_is_missing()
    {
        var (owner, space) = await New().SharedAsync();
        var writer = await owner.MemberAsync(space, "writer");
        await owner.PushAsync("create", "r", 0, """{"a":1}""");
        await owner.PushAsync("update", "r", 1, """{"a":2}""");
        await writer.PushAsync("update", "r", 1, """{"a":3}""");
        await writer.PushAsync("update", "r", 1, """{"a":4}""");
        await owner.RemoveMemberAsync(writer.Principal);
        var events = (await ReadAsync(owner)).Body["events"]!.AsArray();
        Assert.Equal(
            [
                "1 $member create", "2 $member create", "3 note create", "4 note update", "5 $conflict create", "6 $conflict update",
                "7 $member delete",
            ],
            events.Select(change => $"{change!["seq"]} {change["entity"]} {change["kind"]}"));
        Assert.Equal(writer.Principal, events[5]!["by"]!.ToString());
    }

    [Fact]
    public async Task Pages_lead_to_the_head_by_their_cursor_or_by_the_seq()
    {
        var phone = await WithEventsAsync(5);
        var pages = new List<string>();
        var after = "";
        JsonNode page;
        do
        {
            page = (await ReadAsync(phone, $"?limit=2{after}")).Body;
            Assert.Equal(page.ToJsonString(), (await ReadAsync(phone, $"?limit=2{after.Replace("cursor", "after", StringComparison.Ordinal)}")).Body.ToJsonString());
            pages.Add($"{string.Join(' ', Seqs(page))} {page["cursor"]} {page["hasMore"]}");
            after = $"&cursor={page["cursor"]}";
        }
        while ((bool)page["hasMore"]!);
        Assert.Equal(["1 2 2 true", "3 4 4 true", "5  false"], pages);
        Assert.Equal([3L, 4, 5], Seqs((await ReadAsync(phone, "?after=2")).Body));
        var beyond = (await ReadAsync(phone, "?after=77")).Body;
        Assert.Equal(("0", "false", null), ($"{Seqs(beyond).Count()}", $"{beyond["hasMore"]}", beyond["cursor"]));
    }

    [Fact]
    public async Task A_full_page_under_its_own_address_never_changes()
    {
        var phone = await WithEventsAsync(4);
        var (space, epoch) = (await PullTests.SpaceIdAsync(phone), await EpochAsync(phone));
        var query = $"sync/events?after=2&limit=2&epoch={epoch}";
        var full = await phone.In($"{space}").GetAsync(query);
        Assert.Equal((200, ForGood, "true", "4"), (full.Status, full.Header("Cache-Control"), full["hasMore"], full["cursor"]));
        Assert.StartsWith("\"", full.Header("ETag"), StringComparison.Ordinal);
        await phone.PushAsync("update", "r", 4, """{"more":1}""");
        await phone.PushAsync("delete", "r", 5);
        var later = await phone.Other("tablet", TestServers.B).In($"{space}").GetAsync(query);
        Assert.Equal(full.Bytes, later.Bytes);
        Assert.Equal((full.Header("ETag"), ForGood), (later.Header("ETag"), later.Header("Cache-Control")));

        var unchanged = await phone.In($"{space}").GetAsync(query, ("If-None-Match", full.Header("ETag")!));
        Assert.Equal((304, 0, ForGood, full.Header("ETag"), "Authorization"),
            (unchanged.Status, unchanged.Bytes.Length, unchanged.Header("Cache-Control"), unchanged.Header("ETag"), unchanged.Header("Vary")));
    }

    [Fact]
    public async Task Any_other_page_is_asked_for_again()
    {
        var phone = await WithEventsAsync(4);
        var (space, epoch) = (await PullTests.SpaceIdAsync(phone), await EpochAsync(phone));
        Assert.Equal(AskAgain, (await ReadAsync(phone, $"?limit=2&epoch={epoch}")).Header("Cache-Control"));
        Assert.Equal(AskAgain, (await ReadAsync(phone.In($"{space}"), "?limit=2")).Header("Cache-Control"));

        var part = await ReadAsync(phone.In($"{space}"), $"?limit=5&epoch={epoch}");
        Assert.Equal((AskAgain, "false", null), (part.Header("Cache-Control"), part["hasMore"], part["cursor"]));
        var known = ("If-None-Match", part.Header("ETag")!);
        var unchanged = await phone.In($"{space}").GetAsync($"sync/events?limit=5&epoch={epoch}", known);
        Assert.Equal((304, AskAgain), (unchanged.Status, unchanged.Header("Cache-Control")));
        await phone.PushAsync("update", "r", 4, """{"more":1}""");
        var full = await phone.In($"{space}").GetAsync($"sync/events?limit=5&epoch={epoch}", known);
        Assert.Equal((200, ForGood), (full.Status, full.Header("Cache-Control")));
    }

    [Fact]
    public async Task A_page_without_more_and_a_full_one_of_the_same_events_have_different_etags()
    {
        var phone = await WithEventsAsync(2);
        Assert.NotEqual((await ReadAsync(phone, "?limit=2")).Header("ETag"), (await ReadAsync(phone, "?limit=3")).Header("ETag"));
    }

    [Fact]
    public async Task A_page_ends_at_its_bytes_and_is_full_then_too()
    {
        var phone = New();
        for (var i = 0; i < 8; i++)
        {
            await phone.PushAsync("create", NewId(), 0, $$"""{"body":"{{new string('x', 200_000)}}"}""");
        }

        var space = $"{await PullTests.SpaceIdAsync(phone)}";
        var page = await ReadAsync(phone.In(space), $"?epoch={await EpochAsync(phone)}");
        Assert.Equal(("true", "5", ForGood), (page["hasMore"], page["cursor"], page.Header("Cache-Control")));
        Assert.InRange(page.Bytes.Length, 1_000_000, 1024 * 1024);

        await using var narrow = await TestServers.StartAsync("--Sync:PullBytesMax=1000");
        var single = await ReadAsync(phone.Other("phone", narrow));
        Assert.Equal(("true", "1"), (single["hasMore"], single["cursor"]));
        var last = await ReadAsync(phone.Other("phone", narrow), "?after=7");
        Assert.Equal(("8", "false"), ($"{Seqs(last.Body).Single()}", last["hasMore"]));
    }

    [Fact]
    public async Task A_limit_above_the_maximum_is_clamped()
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(0, 4).Select(_ => Op("create", NewId(), 0, "{}")));
        await using var narrow = await TestServers.StartAsync("--Sync:PullPageMax=3", "--Sync:PullPageDefault=2");
        var page = await ReadAsync(phone.Other("phone", narrow), "?limit=99999999999999999999");
        Assert.Equal((3, "true"), (Seqs(page.Body).Count(), page["hasMore"]));
    }

    [Fact]
    public async Task Below_the_history_horizon_it_is_gone_and_at_it_the_rest_begins()
    {
        var phone = await WithEventsAsync(5);
        var space = await PullTests.SpaceIdAsync(phone);
        await RecordRequests.RunAsync("UPDATE spaces SET history_horizon = 3, tombstone_horizon = 3 WHERE space_id = $1", space);
        await RecordRequests.RunAsync("DELETE FROM changes WHERE space_id = $1 AND seq <= 3", space);
        foreach (var query in new[] { "", "?after=0", "?after=2", $"?after=2&epoch={await EpochAsync(phone)}" })
        {
            var gone = await phone.In($"{space}").GetAsync("sync/events" + query);
            Assert.Equal((410, "/problems/resync-required", "expired", "3", "no-store"),
                (gone.Status, gone["type"], gone["reason"], gone["horizon"], gone.Header("Cache-Control")));
        }

        Assert.Equal([4L, 5], Seqs((await ReadAsync(phone, "?after=3")).Body));
    }

    [Fact]
    public async Task Another_epoch_is_gone_and_the_answer_names_this_one()
    {
        var phone = await WithEventsAsync(1);
        foreach (var epoch in new[] { "", "0123456789abcdef0123456789abcdef" })
        {
            var gone = await ReadAsync(phone, $"?epoch={epoch}");
            Assert.Equal((410, "/problems/resync-required", "epoch", "no-store", await EpochAsync(phone)),
                (gone.Status, gone["type"], gone["reason"], gone.Header("Cache-Control"), gone["epoch"]));
        }
    }

    [Theory]
    [InlineData("after=")]
    [InlineData("after=-1")]
    [InlineData("after=1.0")]
    [InlineData("after=99999999999999999999")]
    [InlineData("after=1&after=2")]
    [InlineData("after=1&cursor=1")]
    [InlineData("cursor=abc")]
    [InlineData("limit=0")]
    [InlineData("limit=ten")]
    [InlineData("epoch=a&epoch=a")]
    public async Task A_malformed_question_is_400(string query) => Assert.Equal(400, (await ReadAsync(New(), "?" + query)).Status);

    [Fact]
    public async Task Readers_may_read_it_and_for_outsiders_there_is_no_such_space()
    {
        var owner = await WithEventsAsync(1);
        var reader = await owner.MemberAsync(Role.Reader);
        Assert.Equal(200, (await ReadAsync(reader)).Status);
        var space = $"{await PullTests.SpaceIdAsync(owner)}";
        await RecordRequests.RunAsync("DELETE FROM members WHERE principal = $1", reader.Principal);
        foreach (var outside in new[] { reader, New().In(space), New().In(NewId()) })
        {
            // Whether an epoch or a position holds is not told to those outside.
            var answer = await ReadAsync(outside, "?epoch=x");
            Assert.Equal((404, "/problems/not-found"), (answer.Status, answer["type"]));
        }
    }

    [Fact]
    public async Task After_me_was_erased_its_pages_have_other_etags()
    {
        var phone = await WithEventsAsync(1);
        var before = (await ReadAsync(phone)).Header("ETag")!;
        Assert.Equal(204, (await phone.EraseSpaceAsync("me")).Status);
        await phone.PushAsync("create", "another", 0, "{}");
        Assert.Equal(200, (await phone.GetAsync("sync/events", ("If-None-Match", before))).Status);
    }

    /// <summary>Somebody new with one note and this many changes of it.</summary>
    private static async Task<Device> WithEventsAsync(int count)
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(0, count).Select(i => i == 0 ? Op("create", "r", 0, """{"t":0}""") : Op("update", "r", i, $$"""{"t":{{i}}}""")));
        return phone;
    }

    private static Task<Answer> ReadAsync(Device device, string query = "") => device.GetAsync("sync/events" + query);

    private static async Task<string> EpochAsync(Device device) => (await device.PullAsync())["epoch"]!;

    private static IEnumerable<long> Seqs(JsonNode page) => page["events"]!.AsArray().Select(change => (long)change!["seq"]!);
}
