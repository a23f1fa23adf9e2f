using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Records.RecordRequests;

namespace SyncServer.Tests.Records;

public sealed class RecordHistoryTests
{
    [Fact]
    public async Task History_gives_every_change_newest_first_with_values_before_and_after()
    {
        var phone = Device.New();
        var id = Device.NewId();
        await phone.PutAsync(id, """{"title":"a","address":{"city":"Rome"}}""", New, ("Idempotency-Key", "k1"), ("Sync-N", "1"));
        await phone.PatchAsync(id, """{"title":"b","address":{"city":null,"zip":"1"},"none":null}""", Match(1), ("Idempotency-Key", "k2"));
        await phone.DeleteAsync(id, Match(2), ("Idempotency-Key", "k3"));
        await phone.RestoreAsync(id, ("Idempotency-Key", "k4"));

        var answer = await phone.GetAsync($"records/note/{id}/history");
        Assert.Equal((200, "private, no-cache", "false"), (answer.Status, answer.Header("Cache-Control"), answer["hasMore"]));
        var items = answer.Body["history"]!.AsArray();
        Assert.All(items, item => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", item!["at"]!.ToString()));
        items.ToList().ForEach(item => item!.AsObject().Remove("at"));
        var who = $"\"by\":\"{phone.Principal}\",\"device\":\"phone\"";
        AssertJson($$$"""
            [{"seq":4,"rev":4,"kind":"restore","opId":"k4",{{{who}}},"changes":[]},
             {"seq":3,"rev":3,"kind":"delete","opId":"k3",{{{who}}},"changes":[
                {"path":"/title","before":"b"},{"path":"/address/zip","before":"1"}]},
             {"seq":2,"rev":2,"kind":"update","opId":"k2",{{{who}}},"patch":{"title":"b","address":{"city":null,"zip":"1"}},
              "sent":{"title":"b","address":{"city":null,"zip":"1"},"none":null},"changes":[
                {"path":"/title","before":"a","after":"b"},{"path":"/address/zip","after":"1"},{"path":"/address/city","before":"Rome"}]},
             {"seq":1,"rev":1,"kind":"create","opId":"k1",{{{who}}},"n":1,"patch":{"title":"a","address":{"city":"Rome"}},"changes":[
                {"path":"/title","after":"a"},{"path":"/address/city","after":"Rome"}]}]
            """, items);
    }

    [Fact]
    public async Task What_lost_without_changing_anything_stands_in_history_with_the_values_of_both_sides()
    {
        var id = Device.NewId();
        var (phone, tablet) = (Device.New(name: "phone"), (Device?)null);
        tablet = phone.Other("tablet");
        await phone.PushAsync("create", id, 0, """{"count":1}""");
        await phone.PushAsync("update", id, 1, """{"count":9}""");
        var lost = Device.NewId();
        var answer = await tablet.PushAsync(Device.Op("update", id, null, """{"count":{"$max":5}}""", 3, lost));
        Assert.Equal((200, "2"), (answer.Status, answer["record.rev"]));

        var items = (await phone.GetAsync($"records/note/{id}/history")).Body["history"]!.AsArray();
        Assert.Equal([2, 2, 1], items.Select(item => (int)item!["rev"]!));
        items[0]!.AsObject().Remove("at");
        AssertJson($$$"""
            {"rev":2,"kind":"update","opId":"{{{lost}}}","by":"{{{phone.Principal}}}","device":"tablet","n":3,
             "sent":{"count":{"$max":5}},"unchanged":true,"changes":[]}
            """, items[0]!);
    }

    [Fact]
    public async Task A_page_may_end_between_ops_that_changed_nothing_and_the_next_one_goes_on_there()
    {
        var phone = Device.New();
        var id = Device.NewId();
        await phone.PushAsync("create", id, 0, """{"count":1}""");
        await phone.PushAsync("update", id, 1, """{"count":9}""");
        var ops = Enumerable.Range(0, 5).Select(i => Device.Op("update", id, 2, """{"count":9}""", opId: $"same {i}")).ToList();
        await phone.BatchAsync(ops);
        await phone.PushAsync("update", id, 2, """{"count":10}""");

        var whole = (await phone.GetAsync($"records/note/{id}/history")).Body["history"]!.AsArray().Select(item => item!.ToJsonString()).ToList();
        Assert.Equal(8, whole.Count);
        for (var limit = 1; limit < 8; limit++)
        {
            var (pages, cursor) = (new List<string>(), (string?)null);
            do
            {
                var page = await phone.GetAsync($"records/note/{id}/history?limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
                pages.AddRange(page.Body["history"]!.AsArray().Select(item => item!.ToJsonString()));
                cursor = page["cursor"];
            }
            while (cursor is not null);
            Assert.Equal(whole, pages);
        }

        Assert.Equal("1", Revs(await phone.GetAsync($"records/note/{id}/history?before=2")));
        Assert.Equal("2,2,2,2,2,2,1", Revs(await phone.GetAsync($"records/note/{id}/history?before=3")));
    }

    [Fact]
    public async Task History_is_paged_by_revision_and_ends_where_it_was_purged()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        for (var rev = 1; rev < 5; rev++)
        {
            await phone.PutAsync(id, $$"""{"rev":{{rev}}}""", Match(rev));
        }

        var first = await phone.GetAsync($"records/note/{id}/history?limit=2");
        Assert.Equal(("5,4", "true", "4"), (Revs(first), first["hasMore"], first["cursor"]));
        foreach (var name in new[] { "before", "cursor" })
        {
            var second = await phone.GetAsync($"records/note/{id}/history?limit=2&{name}={first["cursor"]}");
            Assert.Equal(("3,2", "true", "2"), (Revs(second), second["hasMore"], second["cursor"]));
        }

        var last = await phone.GetAsync($"records/note/{id}/history?before=2");
        Assert.Equal(("1", "false", null), (Revs(last), last["hasMore"], last["cursor"]));
        Assert.Empty(Revs(await phone.GetAsync($"records/note/{id}/history?before=1")));

        await RunAsync("DELETE FROM changes WHERE record_id = $1 AND rev <= 3", id);
        var purged = await phone.GetAsync($"records/note/{id}/history?limit=2");
        Assert.Equal(("5,4", "false"), (Revs(purged), purged["hasMore"]));
        await RunAsync("DELETE FROM changes WHERE record_id = $1", id);
        AssertJson("""{"history":[],"hasMore":false}""", (await phone.GetAsync($"records/note/{id}/history")).Body);
    }

    [Fact]
    public async Task A_page_of_history_ends_at_its_bytes()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        for (var rev = 1; rev < 7; rev++)
        {
            await phone.PutAsync(id, $$"""{"body":"{{new string((char)('a' + rev), 100_000)}}"}""", Match(rev));
        }

        var page = await phone.GetAsync($"records/note/{id}/history");
        Assert.Equal(("7,6", "true"), (Revs(page), page["hasMore"]));
        Assert.InRange(page.Bytes.Length, 600_000, 1024 * 1024);
    }

    [Fact]
    public async Task A_page_of_history_is_cut_by_the_sizes_in_the_log()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        await phone.PutAsync(id, """{"title":"b"}""", Match(1));
        await RunAsync("UPDATE changes SET bytes = 1000000 WHERE record_id = $1 AND rev = 1", id);
        var page = await phone.GetAsync($"records/note/{id}/history");
        Assert.Equal(("2", "true"), (Revs(page), page["hasMore"]));
    }

    [Theory]
    [InlineData("?before=0", "invalid-request")]
    [InlineData("?before=", "invalid-request")]
    [InlineData("?before=-1", "invalid-request")]
    [InlineData("?before=1&before=2", "invalid-request")]
    [InlineData("?limit=0", "invalid-request")]
    [InlineData("?cursor=x", "invalid-cursor")]
    [InlineData("?cursor=", "invalid-cursor")]
    [InlineData("?cursor=1&before=1", "invalid-cursor")]
    public async Task A_malformed_page_of_history_is_400(string query, string problem)
    {
        var answer = await Device.New().GetAsync("records/note/a/history" + query);
        Assert.Equal((400, $"/problems/{problem}"), (answer.Status, answer["type"]));
    }

    [Fact]
    public async Task History_of_an_id_that_never_existed_is_404_and_of_a_tombstone_is_there()
    {
        var (phone, id) = await WithTombstoneAsync();
        Assert.Equal("2,1", Revs(await phone.GetAsync($"records/note/{id}/history")));
        var unknown = await phone.GetAsync($"records/note/{Device.NewId()}/history");
        Assert.Equal((404, "/problems/record-not-found"), (unknown.Status, unknown["type"]));
    }

    [Fact]
    public async Task What_was_parked_is_not_in_the_history_of_its_record()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        await phone.PutAsync(id, """{"title":"b"}""", Match(1));
        Assert.Equal(409, (await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"parked"}""")).Status);
        Assert.DoesNotContain("parked", (await phone.GetAsync($"records/note/{id}/history")).Body.ToJsonString(), StringComparison.Ordinal);
    }

    private static string Revs(Answer answer) => string.Join(',', answer.Body["history"]!.AsArray().Select(item => item!["rev"]));
}
