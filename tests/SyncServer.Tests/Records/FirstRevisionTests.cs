using Npgsql;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Records.RecordRequests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Records;

/// <summary>The first change of a record is found by its position, whatever came after it, and for as long as it is in the log.</summary>
public sealed class FirstRevisionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task A_history_is_paged_down_to_the_create_and_ends_where_it_was_purged(int last)
    {
        var (phone, id) = await WithNoteAsync("""{"rev":1}""");
        await phone.PushAsync("update", id, 1, """{"rev":1}""");
        for (var rev = 1; rev < last; rev++)
        {
            await phone.PutAsync(id, $$"""{"rev":{{rev + 1}}}""", Match(rev));
        }

        var whole = Enumerable.Range(1, last).Reverse().Select(rev => rev > 1 ? $"{rev}" : "1 unchanged,1");
        for (var limit = 1; limit <= last + 2; limit++)
        {
            Assert.Equal(string.Join(',', whole), await HistoryAsync(phone, id, limit));
        }

        for (var purged = 1; purged <= last; purged++)
        {
            await RunAsync("DELETE FROM changes WHERE record_id = $1 AND rev = $2", id, (long)purged);
            var left = Enumerable.Range(purged + 1, last - purged).Reverse().Select(rev => $"{rev}").Append("1 unchanged");
            Assert.Equal(string.Join(',', left), await HistoryAsync(phone, id, 1));
            Assert.Equal(string.Join(',', left), await HistoryAsync(phone, id, last + 1));
        }
    }

    [Theory]
    [InlineData(1, "applied")]
    [InlineData(2, "merged")]
    [InlineData(4, "merged")]
    public async Task An_edit_of_what_the_device_made_is_merged_as_long_as_the_create_is_in_the_log(int last, string result)
    {
        var (phone, id) = (New(), NewId());
        await phone.PushAsync("create", id, 0, """{"title":"a","body":"1"}""");
        for (var rev = 1; rev < last; rev++)
        {
            await phone.Other("tablet").PushAsync("update", id, rev, $$"""{"body":"{{rev + 1}}"}""");
        }

        var edit = await phone.PushAsync("update", id, 0, """{"title":"b"}""");
        Assert.Equal((200, result, "b", $"{last}"), (edit.Status, edit["result"], edit["record.data.title"], edit["record.data.body"]));
        await RunAsync("DELETE FROM changes WHERE record_id = $1 AND rev = 1", id);
        var late = await phone.PushAsync("update", id, 0, """{"title":"c"}""");
        Assert.Equal((409, "/problems/conflict"), (late.Status, late["type"]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task An_op_that_comes_late_leaves_alone_what_the_create_of_its_device_set(int last)
    {
        var (phone, id) = (New(), NewId());
        await phone.PushAsync("create", id, 0, """{"count":5}""", 2);
        for (var rev = 1; rev < last; rev++)
        {
            await phone.Other("tablet").PushAsync("update", id, rev, $$"""{"body":"{{rev}}"}""");
        }

        var late = await phone.PushAsync("update", id, null, """{"count":{"$max":9},"seen":{"$inc":1}}""", 1);
        Assert.Equal((200, "5", "1"), (late.Status, late["record.data.count"], late["record.data.seen"]));
        Assert.Contains(late.Body["merge"]!.AsArray(), path => $"{path!["path"]} {path["rule"]}" == "/count own-later");
    }

    [Fact]
    public async Task Of_a_record_that_does_not_say_where_its_first_change_is_the_history_ends_with_the_second_and_later_edits_are_merged()
    {
        var (phone, id) = (New(), NewId());
        await phone.PushAsync("create", id, 0, """{"title":"a"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"body":"x"}""");
        // As a server from before the column writes it.
        await RunAsync("UPDATE changes SET first_seq = NULL WHERE record_id = $1", id);
        Assert.Equal("2", await HistoryAsync(phone, id, 10));
        Assert.Equal(409, (await phone.PushAsync("update", id, 0, """{"title":"b"}""")).Status);
        Assert.Equal("merged", (await phone.Other("watch").PushAsync("update", id, 1, """{"title":"c"}"""))["result"]);
    }

    [Fact]
    public async Task Every_second_change_of_records_conflicts_and_members_says_where_the_first_one_is()
    {
        var (phone, space) = await New().SharedAsync();
        var member = await phone.MemberAsync(space, "reader");
        await phone.PutMemberAsync(member.Principal, "writer");
        await phone.BatchAsync([Op("create", "a", 0, """{"a":1}"""), Op("create", "b", 0, "{}"), Op("delete", "b", 1), Op("update", "a", 1, """{"a":2}""")]);
        await phone.PushAsync("restore", "b", 2);
        foreach (var patch in new[] { """{"a":3}""", """{"a":4}""" })
        {
            Assert.Equal(409, (await phone.Other("tablet").PushAsync("update", "a", 1, patch)).Status);
        }

        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand($"""
            SELECT string_agg(concat_ws(' ', entity, rev, first_seq = (
                SELECT seq FROM changes f WHERE f.space_id = c.space_id AND f.entity = c.entity AND f.record_id = c.record_id AND f.rev = 1)), ',' ORDER BY seq)
            FROM changes c WHERE space_id = '{space}'
            """);
        Assert.Equal(
            "$member 1,$member 1,$member 2 t,note 1,note 1,note 2 t,note 2 t,note 3,$conflict 1,$conflict 2 t", await command.ExecuteScalarAsync());
    }

    private static async Task<string> HistoryAsync(Device phone, string id, int limit)
    {
        var (items, cursor) = (new List<string>(), (string?)null);
        do
        {
            var page = await phone.GetAsync($"records/note/{id}/history?limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
            items.AddRange(page.Body["history"]!.AsArray().Select(item => $"{item!["rev"]}" + (item["unchanged"] is null ? "" : " unchanged")));
            cursor = page["cursor"];
        }
        while (cursor is not null);
        return string.Join(',', items);
    }
}
