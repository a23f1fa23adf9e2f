using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SyncServer.Core.Records;
using SyncServer.Pull;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Pull;

/// <summary>A page is copied from the rows, and nobody can tell.</summary>
public sealed class PageBytesTests
{
    [Theory]
    [InlineData("p")]
    [InlineData("\"quo\\te\"")]
    [InlineData("Grüße+<&>'")]
    [InlineData("日本\u2028\uD83D\uDE00")]
    public async Task An_envelope_in_a_page_has_the_bytes_that_it_has_alone(string name)
    {
        var phone = new Device(TestServers.A, $"{name}{Guid.NewGuid():n}", "phone");
        string[] ids = [NewId(), NewId(), NewId()];
        await phone.PushAsync(Op("create", ids[0], 0, """{"t":"ä\"\\\n\u0001","n":-0.10e1,"o":{},"l":[1,[]]}""", opId: "a\\\"b/" + NewId()));
        await phone.PushAsync("create", ids[1], 0, $$"""{"body":"{{new string('é', 100_000)}}"}""");
        await phone.PushAsync("create", ids[2], 0, "{}");

        var page = await phone.PullAsync();
        var alone = new List<string>();
        foreach (var id in ids)
        {
            alone.Add(Encoding.UTF8.GetString((await phone.GetAsync($"records/note/{id}")).Bytes));
        }

        Assert.Equal(
            $$"""{"changes":[{{string.Join(',', alone)}}],"cursor":"{{page["cursor"]}}","hasMore":false,"epoch":"{{page["epoch"]}}"}""",
            Encoding.UTF8.GetString(page.Bytes));
    }

    [Fact]
    public void A_text_is_whole_wherever_the_buffer_of_a_page_ends()
    {
        for (var n = 65525; n <= 65545; n++)
        {
            var (plain, escaped) = (new string('x', n), new string('é', n));
            using var json = new RowJson();
            json.Text(Encoding.UTF8.GetBytes(plain));
            json.Text(Encoding.UTF8.GetBytes(escaped));
            json.Raw(Encoding.UTF8.GetBytes(plain));
            Assert.Equal($"\"{plain}\"\"{escaped}\"{plain}", Encoding.UTF8.GetString(json.Written.Span));
        }
    }

    [Fact]
    public async Task Op_ids_whose_characters_are_escaped_make_no_page_longer_than_it_may_be()
    {
        const int Most = 4096;
        await using var narrow = await TestServers.StartAsync($"--Sync:PullBytesMax={Most}");
        var phone = new Device(narrow, Guid.NewGuid().ToString("n")[..8], "phone");
        for (var i = 10; i < 30; i++)
        {
            Assert.Equal(201, (await phone.PushAsync(Op("create", $"{i}", 0, "{}", opId: i + string.Concat(Enumerable.Repeat(@"\\", 253))))).Status);
        }

        var (read, cursor) = (0, "");
        for (var hasMore = "true"; hasMore == "true";)
        {
            var page = await phone.PullAsync(cursor);
            Assert.InRange(page.Bytes.Length, 1, Most);
            (read, cursor, hasMore) = (read + page.Body["changes"]!.AsArray().Count, $"?cursor={page["cursor"]}", page["hasMore"]);
        }

        Assert.Equal(20, read);
    }

    [Fact]
    public async Task A_large_page_waits_until_the_principal_has_taken_others_and_small_ones_and_other_principals_do_not()
    {
        var (phone, other) = (New(), New());
        foreach (var device in new[] { phone, other })
        {
            await device.PushAsync(Op("create", "small", 0, "{}", entity: "tag"));
            await device.PushAsync("create", "n", 0, $$"""{"body":"{{new string('x', 100_000)}}"}""");
        }

        var places = TestServers.A.App.Services.GetRequiredService<PullBody>().LargeAnswers;
        var taken = await AllAsync(PullBody.LargeAnswersMax);
        var waits = phone.PullAsync();
        Assert.Equal((200, 200), ((await phone.PullAsync("?entity=tag")).Status, (await other.PullAsync()).Status));
        Assert.Equal(200, (await phone.SendAsync(HttpMethod.Head, "sync/changes")).Status);
        Assert.False(waits.IsCompleted);
        // It reads its page when it has its place, and not before.
        await phone.PushAsync(Op("create", "late", 0, "{}", entity: "tag"));
        taken[0]!.Dispose();
        var page = await waits;
        Assert.Equal((200, true), (page.Status, Encoding.UTF8.GetString(page.Bytes).Contains("\"late\"", StringComparison.Ordinal)));
        // A place is free again a moment after its client has the last byte.
        await Patience.UntilAsync(async () => (await phone.PullAsync()).Status == 200, "the one free place is given back");
        taken[1..].ForEach(place => place!.Dispose());

        async Task<List<IDisposable?>> AllAsync(int count)
        {
            var all = new List<IDisposable?>();
            while (all.Count < count)
            {
                all.Add(await places.TakeAsync(phone.Principal, default));
            }

            return all;
        }
    }

    [Fact]
    public async Task Only_so_many_large_pages_are_waited_for()
    {
        var phone = New();
        await phone.PushAsync("create", "n", 0, $$"""{"body":"{{new string('x', 100_000)}}"}""");
        var places = TestServers.A.App.Services.GetRequiredService<PullBody>().LargeAnswers;
        using var end = new CancellationTokenSource();
        var line = Enumerable.Range(0, PullBody.LargeAnswersMax + PullBody.LargeAnswersWaiting)
            .Select(_ => places.TakeAsync(phone.Principal, end.Token)).ToList();
        var refused = await phone.PullAsync();
        Assert.Equal((429, "/problems/too-many-requests", "1", null), (refused.Status, refused["type"], refused.Header("Retry-After"), refused.Header("ETag")));

        await end.CancelAsync();
        foreach (var waiting in line[PullBody.LargeAnswersMax..])
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        (await line[0])!.Dispose();
        Assert.Equal(200, (await phone.PullAsync()).Status);
        foreach (var place in line[1..PullBody.LargeAnswersMax])
        {
            (await place)!.Dispose();
        }
    }

    [Fact]
    public void An_answer_has_to_be_taken_at_eight_kibibytes_a_second()
    {
        var rate = TestServers.A.App.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.MinResponseDataRate;
        Assert.Equal((8192, TimeSpan.FromSeconds(10)), (rate!.BytesPerSecond, rate.GracePeriod));
    }

    [Fact]
    public async Task A_tombstone_in_a_page_has_no_data_and_an_empty_page_no_changes()
    {
        var phone = New();
        var id = NewId();
        await phone.PushAsync("create", id, 0, """{"secret":1}""");
        var (_, cursor) = await phone.PullAllAsync();
        var gone = await phone.PushAsync(Op("delete", id, 1, opId: "gone"));
        var told = await phone.PullAsync($"?cursor={cursor}");
        Assert.Equal(
            $$"""{"changes":[{"entity":"note","id":"{{id}}","rev":2,"deleted":true,"updatedAtServer":"{{gone["record.updatedAtServer"]}}","updatedBy":"{{phone.Principal}}","opId":"gone"}],"cursor":"{{told["cursor"]}}","hasMore":false,"epoch":"{{told["epoch"]}}"}""",
            Encoding.UTF8.GetString(told.Bytes));
        var rest = await phone.PullAsync($"?cursor={told["cursor"]}");
        Assert.Equal(
            $$"""{"changes":[],"cursor":"{{told["cursor"]}}","hasMore":false,"epoch":"{{told["epoch"]}}"}""", Encoding.UTF8.GetString(rest.Bytes));
    }

    [Theory]
    [InlineData("2026-11-20T10:15:00.1239999Z")]
    [InlineData("0001-01-01T00:00:00Z")]
    [InlineData("9999-12-31T23:59:59.999Z")]
    public void A_point_in_time_has_the_same_bytes_with_and_without_a_string(string text)
    {
        var at = DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
        var bytes = new byte[Timestamp.RoundTripLength];
        var length = Timestamp.Format(at.UtcDateTime, bytes);
        Assert.Equal(Timestamp.Format(at), Encoding.UTF8.GetString(bytes, 0, length));
    }
}
