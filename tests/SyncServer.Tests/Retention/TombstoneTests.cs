using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Records.RecordRequests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Retention;

/// <summary>Protocol 5 and 6: what is left of a record whose tombstone is purged, and who is told to start anew.</summary>
[Collection(RetentionServersCollection.Name)]
public sealed class TombstoneTests(RetentionServers servers)
{
    [Fact]
    public async Task A_purged_tombstone_is_out_of_the_feed_and_a_cursor_from_before_it_is_expired()
    {
        var (phone, id) = await WithNoteAsync();
        var (_, before) = await phone.PullAllAsync();
        await phone.PushAsync("delete", id, 1);
        var (_, behind) = await phone.PullAllAsync();
        await phone.PushAsync("create", "other", 0, "{}");
        await servers.LaterAsync(2.1);

        var expired = await phone.PullAsync($"?cursor={before}");
        Assert.Equal((410, "/problems/resync-required", "expired", "keep", "drop", "no-store"), (
            expired.Status, expired["type"], expired["reason"], expired["plan.outbox"], expired["plan.undelivered"], expired.Header("Cache-Control")));
        Assert.Equal(["other"], Ids((await phone.PullAllAsync(behind)).Changes));
        Assert.Equal(["other"], Ids((await phone.PullAllAsync()).Changes));
        Assert.Equal(["t - - 0"], await servers.LinesAsync(phone, $"""
            SELECT concat_ws(' ', deleted, coalesce(seq::text, '-'), coalesce(data::text, '-'), data_bytes) FROM records
            WHERE space_id = $space AND record_id = '{id}'
            """));
    }

    [Fact]
    public async Task A_tombstone_within_its_retention_is_told()
    {
        var (phone, id) = await WithNoteAsync();
        var (_, before) = await phone.PullAllAsync();
        await phone.PushAsync("delete", id, 1);
        await servers.LaterAsync(1.9);
        Assert.Equal([id], Ids((await phone.PullAllAsync(before)).Changes));
    }

    [Fact]
    public async Task Whoever_missed_no_purged_delete_goes_on_however_long_they_were_away()
    {
        var (phone, id) = await WithNoteAsync();
        await phone.PushAsync("delete", id, 1);
        var (_, cursor) = await phone.PullAllAsync();
        await phone.PushAsync("create", "a", 0, "{}");
        await servers.LaterAsync(2.5);
        await phone.PushAsync("create", "b", 0, "{}");
        Assert.Equal(["a", "b"], Ids((await phone.PullAllAsync(cursor)).Changes));
    }

    [Fact]
    public async Task The_id_of_a_purged_tombstone_is_used_for_ever()
    {
        var (phone, id) = await WithPurgedAsync();
        var read = await phone.ReadAsync(id);
        Assert.Equal((410, "/problems/gone", "2", "true", null), (
            read.Status, read["type"], read["current.rev"], read["current.deleted"], read["current.data"]));
        Assert.Equal(410, (await phone.PutAsync(id, "{}", Match(2))).Status);
        Assert.Equal(412, (await phone.PutAsync(id, "{}", RecordRequests.New)).Status);

        var agrees = await phone.PushAsync("delete", id, 1);
        Assert.Equal((200, "merged", "2"), (agrees.Status, agrees["result"], agrees["record.rev"]));
        var update = await phone.Other("a").PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal((409, "/problems/deleted-elsewhere", "2"), (update.Status, update["type"], update["current.rev"]));
        var late = await phone.Other("b").PushAsync("update", id, 2, """{"title":"b"}""");
        Assert.Equal((409, "/problems/deleted-elsewhere"), (late.Status, late["type"]));
        var create = await phone.Other("c").PushAsync("create", id, 0, """{"title":"b"}""");
        Assert.Equal((409, "/problems/already-exists", "2", "true"), (
            create.Status, create["type"], create["current.rev"], create["current.deleted"]));
        Assert.Equal(["delete 2", "create 1"], (await phone.GetAsync($"records/note/{id}/history")).Body["history"]!.AsArray()
            .Select(change => $"{change!["kind"]} {change["rev"]}"));
    }

    [Fact]
    public async Task The_restore_of_purged_data_is_410_and_stored()
    {
        var (phone, id) = await WithPurgedAsync();
        var op = Op("restore", id, 2);
        var (first, again) = (await phone.PushAsync(op), await phone.Other("phone", servers.B).PushAsync(op));
        Assert.Equal((410, "/problems/purged", null), (first.Status, first["type"], first.Header("Idempotent-Replayed")));
        Assert.Equal((410, "true"), (again.Status, again.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, again.Bytes);
        var plain = await phone.RestoreAsync(id);
        Assert.Equal((410, "/problems/purged"), (plain.Status, plain["type"]));
    }

    [Fact]
    public async Task Who_brings_back_a_purged_record_by_resolving_gets_a_revision_that_never_was()
    {
        var (phone, id) = await WithPurgedAsync();
        var parked = await phone.PushAsync("update", id, 1, """{"title":"mine"}""");
        var (_, cursor) = await phone.PullAllAsync();
        var resolved = await phone.SendAsync(HttpMethod.Post, $"conflicts/{parked["conflictId"]}/resolution", """{"choice":"mine"}""",
            ("Idempotency-Key", NewId()), Match(2));
        Assert.Equal((200, "3"), (resolved.Status, resolved["record.rev"]));
        AssertJson("""{"title":"mine"}""", (await phone.ReadAsync(id)).Body["data"]!);
        Assert.Contains(id, Ids((await phone.PullAllAsync(cursor)).Changes));
    }

    [Fact]
    public async Task A_member_whose_leaving_is_purged_may_come_again()
    {
        var (owner, _) = await servers.New().SharedAsync();
        Assert.Equal(201, (await owner.PutMemberAsync("bob", "reader")).Status);
        Assert.Equal(204, (await owner.RemoveMemberAsync("bob")).Status);
        await servers.LaterAsync(4);
        var (_, cursor) = await owner.PullAllAsync();
        Assert.Equal(201, (await owner.PutMemberAsync("bob", "writer")).Status);
        var told = Assert.Single((await owner.PullAllAsync(cursor)).Changes);
        Assert.Equal(("$member", "3", "writer"), (told["entity"]!.ToString(), told["rev"]!.ToString(), told["data"]!["role"]!.ToString()));
    }

    private async Task<(Device Phone, string Id)> WithNoteAsync()
    {
        var (phone, id) = (servers.New(), NewId());
        Assert.Equal(201, (await phone.PushAsync("create", id, 0, """{"title":"a"}""")).Status);
        return (phone, id);
    }

    /// <summary>A note that was deleted at revision 2 and is purged, of somebody whose last change is another.</summary>
    private async Task<(Device Phone, string Id)> WithPurgedAsync()
    {
        var (phone, id) = await WithNoteAsync();
        await phone.PushAsync("delete", id, 1);
        await phone.PushAsync("create", "other", 0, "{}");
        await servers.LaterAsync(2.1);
        return (phone, id);
    }

    internal static IEnumerable<string> Ids(IEnumerable<System.Text.Json.Nodes.JsonNode> changes) => changes.Select(change => change["id"]!.ToString());
}
