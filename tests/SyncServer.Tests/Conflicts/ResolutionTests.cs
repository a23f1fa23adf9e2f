using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Conflicts;

/// <summary>Protocol 7: what was parked is decided by somebody, and nothing is lost on the way.</summary>
public sealed class ResolutionTests
{
    [Fact]
    public async Task Mine_sets_the_parked_paths_on_the_record_as_it_is_now()
    {
        var (phone, id, conflict) = await WithConflictAsync();
        await phone.Other("watch").PushAsync("update", id, 2, """{"body":"moved on"}""");
        var answer = await ResolveAsync(phone, conflict, """{"choice":"mine"}""", "\"rev-3\"");
        Assert.Equal((200, "applied", "4", "\"rev-4\""), (answer.Status, answer["result"], answer["record.rev"], answer.Header("ETag")));
        AssertJson("""{"title":"mine","body":"moved on"}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task Theirs_makes_no_revision_and_keeps_what_was_parked_readable()
    {
        var (phone, id, conflict) = await WithConflictAsync();
        var (_, cursor) = await phone.PullAllAsync();
        var answer = await ResolveAsync(phone, conflict, """{"choice":"theirs"}""", "\"rev-2\"");
        Assert.Equal((200, "2", "theirs"), (answer.Status, answer["record.rev"], answer["record.data.title"]));

        var (changes, _) = await phone.PullAllAsync(cursor);
        Assert.Equal(("$conflict", conflict, "true"), (changes.Single()["entity"]!.ToString(), changes.Single()["id"]!.ToString(), changes.Single()["deleted"]!.ToString()));
        var resolved = await phone.GetAsync($"conflicts/{conflict}");
        Assert.Equal(("resolved", "mine"), (resolved["state"], resolved["yours.title"]));
        Assert.Empty((await phone.GetAsync("conflicts")).Body["conflicts"]!.AsArray());
        Assert.Single((await phone.GetAsync("conflicts?state=resolved")).Body["conflicts"]!.AsArray());
        _ = id;
    }

    [Fact]
    public async Task Merge_applies_a_patch_that_somebody_made_of_both()
    {
        var (phone, _, conflict) = await WithConflictAsync();
        var answer = await ResolveAsync(phone.Other("tablet"), conflict, """{"choice":"merge","patch":{"title":"theirs and mine"}}""", "\"rev-2\"");
        Assert.Equal((200, "3", "theirs and mine"), (answer.Status, answer["record.rev"], answer["record.data.title"]));
    }

    [Fact]
    public async Task Mine_takes_all_ops_that_joined_and_removes_what_they_removed()
    {
        var (phone, id, conflict) = await WithConflictAsync();
        Assert.Equal(409, (await phone.PushAsync("update", id, 1, """{"title":null,"extra":{"a":1}}""")).Status);
        var answer = await ResolveAsync(phone, conflict, """{"choice":"mine"}""", "\"rev-2\"");
        AssertJson("""{"body":"x","extra":{"a":1}}""", answer.Body["record"]!["data"]!);
    }

    [Theory]
    [InlineData("mine", "false", "3")]
    [InlineData("theirs", "true", "2")]
    public async Task An_edit_of_a_deleted_record_restores_it_or_stays_parked_in_history(string choice, string deleted, string rev)
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("delete", id, 1);
        var parked = await phone.PushAsync("update", id, 1, """{"title":"mine"}""");
        var answer = await ResolveAsync(phone, parked["conflictId"]!, $$"""{"choice":"{{choice}}"}""", "\"rev-2\"");
        Assert.Equal((200, deleted, rev), (answer.Status, answer["record.deleted"], answer["record.rev"]));
        if (choice == "mine")
        {
            AssertJson("""{"title":"mine","body":"x"}""", answer.Body["record"]!["data"]!);
        }
    }

    [Theory]
    [InlineData("mine", "true", "\"rev-3\"")]
    [InlineData("theirs", "false", "\"rev-2\"")]
    public async Task A_delete_of_an_edited_record_deletes_or_does_not(string choice, string deleted, string etag)
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var parked = await phone.PushAsync("delete", id, 1);
        var answer = await ResolveAsync(phone, parked["conflictId"]!, $$"""{"choice":"{{choice}}"}""", "\"rev-2\"");
        Assert.Equal((200, deleted, etag), (answer.Status, answer["record.deleted"], answer.Header("ETag")));
    }

    [Fact]
    public async Task A_parked_create_can_be_resolved()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"theirs","only":"theirs"}""");
        var parked = await phone.PushAsync("create", id, 0, """{"title":"mine"}""");
        var answer = await ResolveAsync(phone, parked["conflictId"]!, """{"choice":"mine"}""", "\"rev-1\"");
        AssertJson("""{"title":"mine","only":"theirs"}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task A_repeat_comes_first_then_already_resolved_then_428_then_412()
    {
        var (phone, _, conflict) = await WithConflictAsync();
        var missing = await ResolveAsync(phone, conflict, """{"choice":"mine"}""", null, "k0");
        Assert.Equal((428, "/problems/precondition-required"), (missing.Status, missing["type"]));
        var stale = await ResolveAsync(phone, conflict, """{"choice":"mine"}""", "\"rev-1\"", "k1");
        Assert.Equal((412, "/problems/precondition-failed", "\"rev-2\""), (stale.Status, stale["type"], stale["etag"]));

        var first = await ResolveAsync(phone, conflict, """{"choice":"mine"}""", "\"rev-2\"", "k2");
        var repeat = await ResolveAsync(phone, conflict, """{"choice":"mine"}""", "\"rev-2\"", "k2");
        Assert.Equal((200, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        var late = await ResolveAsync(phone, conflict, """{"choice":"theirs"}""", null, "k3");
        Assert.Equal((409, "/problems/already-resolved"), (late.Status, late["type"]));
        Assert.Equal(422, (await ResolveAsync(phone, conflict, """{"choice":"theirs"}""", "\"rev-2\"", "k2")).Status);
    }

    [Fact]
    public async Task A_refusal_leaves_the_conflict_open()
    {
        var (phone, _, conflict) = await WithConflictAsync();
        var large = $$$"""{"choice":"merge","patch":{"title":"{{{new string('x', 300_000)}}}"} }""";
        Assert.Equal(422, (await ResolveAsync(phone, conflict, large, "\"rev-2\"")).Status);
        Assert.Equal("open", (await phone.GetAsync($"conflicts/{conflict}"))["state"]);
        Assert.Equal(200, (await ResolveAsync(phone, conflict, """{"choice":"mine"}""", "\"rev-2\"")).Status);
    }

    [Fact]
    public async Task A_dependency_is_satisfied_by_mine_and_merge_and_never_by_theirs()
    {
        foreach (var (choice, status) in new[] { ("mine", 201), ("theirs", 424) })
        {
            var (phone, _, conflict) = await WithConflictAsync();
            var dependant = Op("create", NewId(), 0, "{}", more: ""","dependsOn":["parked"]""");
            var early = await phone.PushAsync(dependant);
            Assert.Equal((424, "conflict"), (early.Status, early["dependency.state"]));
            await ResolveAsync(phone, conflict, $$"""{"choice":"{{choice}}"}""", "\"rev-2\"");
            var after = await phone.PushAsync(dependant);
            Assert.Equal(status, after.Status);
            Assert.Equal(choice == "theirs" ? "resolved" : null, status == 424 ? after["dependency.state"] : null);
        }
    }

    [Fact]
    public async Task After_a_resolution_the_device_may_open_another_conflict()
    {
        var (phone, id, conflict) = await WithConflictAsync();
        await ResolveAsync(phone, conflict, """{"choice":"theirs"}""", "\"rev-2\"");
        var again = await phone.PushAsync("update", id, 1, """{"title":"still mine"}""");
        Assert.Equal(409, again.Status);
        Assert.NotEqual(conflict, again["conflictId"]);
        Assert.Equal("true", (await phone.PushAsync(Op("update", id, 1, """{"title":"mine"}""", opId: "parked"))).Header("Idempotent-Replayed"));
    }

    [Theory]
    [InlineData("""{"choice":"ours"}""")]
    [InlineData("""{"choice":"merge"}""")]
    [InlineData("""{"choice":"mine","patch":{}}""")]
    [InlineData("""[]""")]
    public async Task A_malformed_resolution_is_400(string body)
    {
        var (phone, _, conflict) = await WithConflictAsync();
        Assert.Equal(400, (await ResolveAsync(phone, conflict, body, "\"rev-2\"")).Status);
    }

    [Fact]
    public async Task An_unknown_conflict_is_404_and_a_missing_key_400()
    {
        var phone = New();
        Assert.Equal(404, (await ResolveAsync(phone, NewId(), """{"choice":"mine"}""", "\"rev-2\"")).Status);
        Assert.Equal(400, (await phone.SendAsync(HttpMethod.Post, $"conflicts/{NewId()}/resolution", """{"choice":"mine"}""")).Status);
    }

    private static async Task<(Device Phone, string Id, string ConflictId)> WithConflictAsync()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"theirs"}""");
        var parked = await phone.PushAsync(Op("update", id, 1, """{"title":"mine"}""", opId: "parked"));
        return (phone, id, parked["conflictId"]!);
    }

    private static Task<Answer> ResolveAsync(Device device, string conflict, string body, string? ifMatch, string? key = null)
    {
        var headers = new List<(string, string)> { ("Idempotency-Key", $"\"{key ?? NewId()}\"") };
        if (ifMatch is not null)
        {
            headers.Add(("If-Match", ifMatch));
        }

        return device.SendAsync(HttpMethod.Post, $"conflicts/{conflict}/resolution", body, [.. headers]);
    }
}
