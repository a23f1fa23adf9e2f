using Npgsql;
using SyncServer.Core;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>How much of the log a push reads.</summary>
public sealed class MergeBoundTests
{
    [Fact]
    public async Task An_op_is_parked_where_the_changes_since_its_base_are_too_large_to_merge()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        var tablet = phone.Other("tablet");
        const int size = 250_000;
        const int updates = (Limits.MergeBytes / (2 * size)) + 2;
        for (var rev = 1; rev <= updates; rev++)
        {
            Assert.Equal(200, (await tablet.PushAsync("update", id, rev, $$"""{"body":"{{new string((char)('a' + rev), size)}}"}""")).Status);
        }

        var answer = await phone.PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal((409, "/problems/conflict"), (answer.Status, answer["type"]));
        Assert.Equal((200, "merged"), Result(await phone.Other("watch").PushAsync("update", id, updates, """{"title":"c"}""")));
    }

    [Fact]
    public async Task A_record_with_too_much_history_costs_no_other_op_of_its_batch_the_merge()
    {
        var (phone, large) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        var tablet = phone.Other("tablet");
        var small = NewId();
        await tablet.PushAsync("create", small, 0, """{"title":"a","body":"x"}""");
        foreach (var id in new[] { large, small })
        {
            await tablet.PushAsync("update", id, 1, """{"title":"b"}""");
            await tablet.PushAsync("update", id, 2, """{"title":"c"}""");
        }

        await RecordRequests.RunAsync("UPDATE changes SET bytes = $2 WHERE record_id = $1 AND rev = 2", large, Limits.MergeBytes);
        var batch = await phone.BatchAsync([
            Op("update", large, 1, """{"body":"y"}"""), Op("update", small, 1, """{"body":"y"}"""),
        ]);
        Assert.Equal([409, 200], batch.Body["results"]!.AsArray().Select(outcome => (int)outcome!["status"]!));
        Assert.Equal((200, "merged"), Result(await phone.Other("watch").PushAsync("update", large, 2, """{"body":"z"}""")));
    }

    [Theory]
    [InlineData(1_000, 200)]
    [InlineData(Limits.MergeBytes, 409)]
    [InlineData(null, 200)]
    public async Task An_op_is_parked_where_its_devices_ops_that_changed_nothing_are_too_large_to_merge(int? bytes, int status)
    {
        var (tablet, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        var phone = tablet.Other("watch");
        await tablet.PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal(200, (await phone.PushAsync("update", id, 1, """{"title":"b"}""")).Status);
        await tablet.PushAsync("update", id, 2, """{"title":"c"}""");
        await RecordRequests.RunAsync("UPDATE unchanged_ops SET bytes = $2 WHERE record_id = $1 AND rev = 2", id, (object?)bytes ?? DBNull.Value);
        Assert.Equal(status, (await phone.PushAsync("update", id, 1, """{"body":"y"}""")).Status);
    }

    [Fact]
    public async Task A_repeat_that_there_is_no_room_to_load_is_refused_and_has_no_second_effect()
    {
        var phone = New();
        var ids = new[] { NewId(), NewId(), NewId() };
        var ops = ids.Select(id => Op("create", id, 0, "{}", opId: id)).ToArray();
        await phone.BatchAsync(ops);
        await RecordRequests.RunAsync("""
            UPDATE outcomes SET body = convert_to('{' || repeat(' ', 9000000) || substr(convert_from(body, 'UTF8'), 2), 'UTF8') WHERE op_id = ANY ($1)
            """, (object)ids);
        // What another request has the key of is refused without its answer, and leaves room in this one's.
        var others = ids[..2].Select(id => Op("create", id, 0, """{"title":"b"}""", opId: id));
        var after = Op("create", NewId(), 0, "{}", more: $$""","dependsOn":["{{ids[2]}}","{{ids[0]}}"]""");
        Assert.Equal("422 422 429 201", Statuses(await phone.BatchAsync([.. others, ops[2], after])));
        Assert.Equal("201 201 429", Statuses(await phone.BatchAsync(ops)));
        Assert.Equal("201", Statuses(await phone.BatchAsync([ops[2]])));
        Assert.Equal(4, (await phone.PullAllAsync()).Changes.Count);
    }

    [Fact]
    public async Task The_log_has_the_size_of_every_change()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"ä","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        await phone.PushAsync("update", id, 1, """{"title":"ö"}""");
        await phone.PushAsync("update", id, 2, """{"title":"b","body":"y","none":null}""");
        await phone.PushAsync("delete", id, 3);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("""
            SELECT bytes::bigint, (coalesce(octet_length(patch::text), 0) + coalesce(octet_length(sent::text), 0)
                + coalesce(octet_length(before::text), 0))::bigint
            FROM changes WHERE space_id = (SELECT space_id FROM accounts WHERE principal = $1)
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = phone.Principal });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = 0;
        for (; await reader.ReadAsync(); rows++)
        {
            Assert.Equal(reader.GetInt64(1), reader.GetInt64(0));
        }

        Assert.True(rows >= 4);
    }

    private static string Statuses(Answer answer) => string.Join(' ', answer.Body["results"]!.AsArray().Select(outcome => outcome!["status"]));

    private static (int Status, string? Result) Result(Answer answer) => (answer.Status, answer["result"]);
}
