using SyncServer.Tests.Servers;
using static SyncServer.Tests.Retention.TombstoneTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Retention;

/// <summary>Protocol 4, 5 and 7: what a log without its old end still answers.</summary>
[Collection(RetentionServersCollection.Name)]
public sealed class HistoryTests(RetentionServers servers)
{
    private const string Horizons = """
        SELECT concat_ws(' ', head, tombstone_horizon, history_horizon, (SELECT count(*) FROM changes WHERE space_id = $space))
        FROM spaces WHERE space_id = $space
        """;

    [Fact]
    public async Task A_space_that_lies_still_sends_nobody_back_who_has_everything()
    {
        var phone = await WithNotesAsync(3);
        var (_, cursor) = await phone.PullAllAsync();
        await servers.LaterAsync(24);
        Assert.Equal(["3 3 2 1"], await servers.LinesAsync(phone, Horizons));
        Assert.Equal((200, cursor), ((await phone.PullAsync($"?cursor={cursor}")).Status, (await phone.PullAsync($"?cursor={cursor}"))["cursor"]));

        await phone.PushAsync("create", "new", 0, "{}");
        await servers.LaterAsync(24);
        Assert.Equal(["4 4 3 1"], await servers.LinesAsync(phone, Horizons));
        Assert.Equal((410, "expired"), ((await phone.PullAsync($"?cursor={cursor}")).Status, (await phone.PullAsync($"?cursor={cursor}"))["reason"]));
    }

    [Fact]
    public async Task A_cursor_exactly_at_the_horizon_holds_and_its_change_is_still_told_from_another()
    {
        var phone = await WithNotesAsync(2);
        var (_, cursor) = await phone.PullAllAsync();
        await servers.LaterAsync(2);
        await phone.PushAsync("create", "new", 0, "{}");
        await servers.LaterAsync(1.5);
        Assert.Equal(["3 2 1 2"], await servers.LinesAsync(phone, Horizons));
        Assert.Equal(["new"], Ids((await phone.PullAllAsync(cursor)).Changes));

        await servers.LinesAsync(phone, "UPDATE changes SET tag = tag + 1 WHERE space_id = $space AND seq = 2 RETURNING 'done'");
        Assert.Equal("ahead", (await phone.PullAsync($"?cursor={cursor}"))["reason"]);
    }

    [Fact]
    public async Task A_first_pull_goes_on_over_positions_whose_changes_are_purged()
    {
        var phone = await WithNotesAsync(7);
        var early = await phone.PullAsync("?limit=2");
        await servers.LaterAsync(4);
        var late = await phone.Other("tablet", servers.B).PullAsync("?limit=3");
        Assert.Equal(["7 7 6 1"], await servers.LinesAsync(phone, Horizons));
        Assert.Equal(5, (await phone.PullAllAsync(early["cursor"], limit: 2)).Changes.Count);
        Assert.Equal(4, (await phone.PullAllAsync(late["cursor"], limit: 1)).Changes.Count);
    }

    [Fact]
    public async Task A_first_pull_tells_of_every_delete_since_it_began_or_begins_again()
    {
        var phone = await WithNotesAsync(5);
        await phone.PushAsync("delete", "n4", 1);
        var first = await phone.PullAsync("?limit=2");
        await servers.LaterAsync(1.5);
        await phone.PushAsync("delete", "n0", 1);
        await servers.LaterAsync(1);
        // The delete from before it began is purged, which it would not have told; the one since then is not.
        Assert.Equal(["n2", "n3", "n0"], Ids((await phone.PullAllAsync(first["cursor"], limit: 2)).Changes));
        await servers.LaterAsync(1.5);
        Assert.Equal((410, "expired"), ((await phone.PullAsync($"?cursor={first["cursor"]}")).Status, (await phone.PullAsync($"?cursor={first["cursor"]}"))["reason"]));
        Assert.Equal(["n1", "n2", "n3"], Ids((await phone.PullAllAsync()).Changes));
    }

    [Fact]
    public async Task An_op_whose_base_predates_purged_history_is_parked_and_one_on_what_is_kept_is_merged()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1,"b":1}""");
        await phone.Other("tablet").PushAsync("update", "n", 1, """{"b":2}""");
        await phone.PushAsync("create", "other", 0, "{}");
        await servers.LaterAsync(4);
        var parked = await phone.PushAsync("update", "n", 1, """{"a":2}""");
        Assert.Equal((409, "/problems/conflict", "2"), (parked.Status, parked["type"], parked["current.rev"]));
        Assert.Null(parked.Body["conflicts"]![0]!["base"]);

        await phone.Other("tablet").PushAsync("update", "n", 2, """{"b":3}""");
        var merged = await phone.Other("watch").PushAsync("update", "n", 2, """{"c":1}""");
        Assert.Equal((200, "merged", "4"), (merged.Status, merged["result"], merged["record.rev"]));
        Assert.Equal(["update 4", "update 3"], (await phone.GetAsync("records/note/n/history")).Body["history"]!.AsArray()
            .Select(change => $"{change!["kind"]} {change["rev"]}"));
    }

    [Fact]
    public async Task The_queue_of_a_device_does_not_outlive_the_history_that_it_stands_on()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""", n: 1);
        Assert.Equal(200, (await phone.PushAsync("update", "n", 0, """{"a":2}""", n: 2)).Status);
        await servers.LaterAsync(2);
        Assert.Equal(200, (await phone.PushAsync("update", "n", 0, """{"a":3}""", n: 3)).Status);
        await servers.LaterAsync(2);
        var late = await phone.PushAsync("update", "n", 0, """{"a":4}""", n: 4);
        Assert.Equal((409, "/problems/conflict"), (late.Status, late["type"]));
        Assert.Equal("3", (await phone.GetAsync("records/note/n"))["data.a"]);
        Assert.Equal(200, (await phone.Other("tablet").PushAsync("update", "n", 3, """{"a":5}""")).Status);
    }

    [Fact]
    public async Task An_accepted_op_that_changed_nothing_is_forgotten_with_the_change_under_it()
    {
        const string Kept = "SELECT op_id FROM unchanged_ops WHERE space_id = $space";
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""");
        await phone.PushAsync(Op("update", "n", 1, """{"a":1}""", opId: "same"));
        await servers.LaterAsync(4);
        Assert.Equal(["same"], await servers.LinesAsync(phone, Kept));
        Assert.False(await servers.IsDueAsync(phone));
        await phone.PushAsync("create", "other", 0, "{}");
        await servers.LaterAsync(4);
        Assert.Empty(await servers.LinesAsync(phone, Kept));
    }

    [Fact]
    public async Task An_accepted_op_that_changed_nothing_on_a_create_outlives_the_next_change_and_not_the_create()
    {
        const string Kept = "SELECT op_id FROM unchanged_ops WHERE space_id = $space";
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""");
        await phone.PushAsync(Op("update", "n", 1, """{"a":1}""", opId: "same"));
        servers.Wait(4);
        await phone.PushAsync("update", "n", 1, """{"a":2}""");
        await servers.LaterAsync(1);
        Assert.Equal(["same"], await servers.LinesAsync(phone, Kept));
        Assert.False(await servers.IsDueAsync(phone));
        await servers.LaterAsync(3);
        Assert.Equal(["2 2 1 1"], await servers.LinesAsync(phone, Horizons));
        Assert.Empty(await servers.LinesAsync(phone, Kept));
    }

    [Fact]
    public async Task What_was_parked_stays_readable_while_history_is_kept_and_stays_resolved_afterwards()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""");
        await phone.Other("tablet").PushAsync("update", "n", 1, """{"a":2}""");
        var conflict = (await phone.PushAsync("update", "n", 1, """{"a":3}"""))["conflictId"]!;
        Assert.Equal(200, (await ResolveAsync(phone, conflict, NewId())).Status);
        await phone.PushAsync("create", "other", 0, "{}");
        await servers.LaterAsync(2.1);
        Assert.Equal("3", (await phone.GetAsync($"conflicts/{conflict}"))["yours.a"]);
        Assert.Equal((409, "/problems/already-resolved"), await AnswerAsync(ResolveAsync(phone, conflict, NewId())));

        await servers.LaterAsync(1);
        Assert.Empty((await phone.GetAsync("conflicts?state=resolved")).Body["conflicts"]!.AsArray());
        Assert.Equal(404, (await phone.GetAsync($"conflicts/{conflict}")).Status);
        var key = NewId();
        var (first, again) = (await ResolveAsync(phone, conflict, key), await ResolveAsync(phone, conflict, key));
        Assert.Equal((409, "/problems/already-resolved", "true"), (first.Status, first["type"], again.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, again.Bytes);
        Assert.Empty(await servers.LinesAsync(phone, "SELECT conflict_id FROM conflicts WHERE space_id = $space"));
        Assert.Equal(404, (await ResolveAsync(phone, NewId(), NewId())).Status);
    }

    [Fact]
    public async Task A_conflict_that_waits_outlives_every_retention()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""");
        await phone.Other("tablet").PushAsync("update", "n", 1, """{"a":2}""");
        var conflict = (await phone.PushAsync("update", "n", 1, """{"a":3}"""))["conflictId"]!;
        await phone.PushAsync("create", "other", 0, "{}");
        await servers.LaterAsync(100);
        Assert.Equal("3", (await phone.GetAsync($"conflicts/{conflict}"))["yours.a"]);
        var resolved = await ResolveAsync(phone, conflict, NewId(), "mine");
        Assert.Equal((200, "3", "3"), (resolved.Status, resolved["record.rev"], resolved["record.data.a"]));
    }

    private static async Task<(int Status, string? Type)> AnswerAsync(Task<Answer> answer) => ((await answer).Status, (await answer)["type"]);

    private static Task<Answer> ResolveAsync(Device phone, string conflict, string key, string choice = "theirs") => phone.SendAsync(
        HttpMethod.Post, $"conflicts/{conflict}/resolution", $$"""{"choice":"{{choice}}"}""", ("Idempotency-Key", key), ("If-Match", "\"rev-2\""));

    /// <summary>Somebody new with notes n0, n1 and so on, made one after another.</summary>
    private async Task<Device> WithNotesAsync(int count)
    {
        var phone = servers.New();
        await phone.BatchAsync(Enumerable.Range(0, count).Select(i => Op("create", $"n{i}", 0, "{}")));
        return phone;
    }
}
