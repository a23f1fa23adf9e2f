using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Spaces;

/// <summary>Making and erasing spaces (protocol 2).</summary>
public sealed class SpaceTests
{
    [Fact]
    public async Task A_new_space_belongs_to_its_maker_whose_membership_is_in_the_feed()
    {
        var alice = New();
        var made = await alice.CreateSpaceAsync("""{"name":"Team Ä","later":1}""", "k1");

        var id = made["id"]!;
        Assert.Equal((201, "application/json", $"/v1/spaces/{id}"), (made.Status, made.ContentType, made.Header("Location")));
        AssertJson($$"""{"id":"{{id}}","name":"Team Ä","role":"owner"}""", made.Body);
        var (changes, _) = await alice.In(id).PullAllAsync();
        var member = Assert.Single(changes);
        AssertJson($$$"""
            {"entity":"$member","id":"{{{alice.Principal}}}","rev":1,"deleted":false,"updatedAtServer":"{{{member["updatedAtServer"]}}}",
             "updatedBy":"{{{alice.Principal}}}","opId":"k1","data":{"principal":"{{{alice.Principal}}}","role":"owner"}}
            """, member);
        Assert.Equal("me:owner", await alice.In(id).MembersAsync());
    }

    [Fact]
    public async Task A_repeat_answers_the_first_bytes_and_makes_no_second_space()
    {
        var alice = New();
        var first = await alice.CreateSpaceAsync("""{"name":"Team"}""", "k1");
        var repeat = await alice.Other("tablet", TestServers.B).CreateSpaceAsync("""{ "name" : "Team" }""", "k1");
        var other = await alice.CreateSpaceAsync("""{"name":"Another"}""", "k1");

        Assert.Equal((201, "true", first.Header("Location")), (repeat.Status, repeat.Header("Idempotent-Replayed"), repeat.Header("Location")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        Assert.Null(first.Header("Idempotent-Replayed"));
        Assert.Equal((422, "/problems/idempotency-key-reused", "applied"), (other.Status, other["type"], other["state"]));
        Assert.Equal("/v1/spaces", other["instance"]);
        Assert.Equal(2, (await alice.GetAsync("/v1/session")).Body["spaces"]!.AsArray().Count);
    }

    [Fact]
    public async Task Keys_are_the_principals_own()
    {
        var (alice, bob) = (New(), New());
        var first = await alice.CreateSpaceAsync("""{"name":"A"}""", "k1");
        var second = await bob.CreateSpaceAsync("""{"name":"B"}""", "k1");
        Assert.Equal((201, 201), (first.Status, second.Status));
        Assert.NotEqual(first["id"], second["id"]);
    }

    [Fact]
    public async Task Requests_that_arrive_together_under_one_key_make_one_space()
    {
        var alice = New();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            alice.Other("d", i % 2 == 0 ? TestServers.A : TestServers.B).CreateSpaceAsync("""{"name":"Team"}""", "k1")));
        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        Assert.Single(answers.Select(answer => answer["id"]).Distinct(StringComparer.Ordinal));
        Assert.Equal(1, answers.Count(answer => answer.Header("Idempotent-Replayed") is null));
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"name":""}""")]
    [InlineData("""{"name":7}""")]
    [InlineData("""{"name":"a\u0007b"}""")]
    [InlineData("""[]""")]
    [InlineData("""{"name":"a","name":"b"}""")]
    public async Task A_space_without_a_usable_name_is_400(string body) =>
        Assert.Equal(400, (await New().CreateSpaceAsync(body)).Status);

    [Fact]
    public async Task A_name_has_at_most_200_characters()
    {
        var alice = New();
        Assert.Equal(201, (await alice.CreateSpaceAsync($$"""{"name":"{{new string('n', 200)}}"}""")).Status);
        Assert.Equal(400, (await alice.CreateSpaceAsync($$"""{"name":"{{new string('n', 201)}}"}""")).Status);
    }

    [Fact]
    public async Task Every_change_needs_a_key()
    {
        var alice = New();
        var (owner, id) = await alice.SharedAsync();
        Answer[] answers =
        [
            await alice.SendAsync(HttpMethod.Post, "/v1/spaces", """{"name":"a"}"""),
            await owner.SendAsync(HttpMethod.Put, "members/bob", """{"role":"reader"}"""),
            await owner.SendAsync(HttpMethod.Delete, "members/bob"),
            await owner.SendAsync(HttpMethod.Delete, $"/v1/spaces/{id}"),
            await owner.SendAsync(HttpMethod.Delete, "/v1/spaces/me"),
        ];
        Assert.All(answers, answer => Assert.Equal((400, "/problems/idempotency-key-missing"), (answer.Status, answer["type"])));
        Assert.All(answers, answer => Assert.Contains("rel=\"describedby\"", answer.Header("Link"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Erasing_a_shared_space_leaves_no_row_and_its_repeat_is_a_replay()
    {
        var alice = New();
        var (owner, id) = await alice.SharedAsync();
        var bob = await owner.MemberAsync(id, "writer");
        await bob.PushAsync("create", "n1", 0, """{"a":1}""");
        await bob.PushAsync("update", "n1", 1, """{"a":2}""");
        await owner.PushAsync("update", "n1", 1, """{"a":3}""");
        Assert.All(await SpaceRequests.RowsAsync(id), table => Assert.True(table.Value > 0 || table.Key == "accounts", table.Key));

        var first = await alice.EraseSpaceAsync(id, "k1");
        var repeat = await alice.EraseSpaceAsync(id, "k1");
        Assert.Equal((204, 204, "true"), (first.Status, repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Null(first.Header("Idempotent-Replayed"));
        Assert.All(await SpaceRequests.RowsAsync(id), table => Assert.Equal(0, table.Value));
        Assert.Equal((404, 404), ((await alice.EraseSpaceAsync(id, "k2")).Status, (await bob.EraseSpaceAsync(id, "k1")).Status));
        Assert.Equal((404, 404), ((await owner.PullAsync()).Status, (await bob.PushAsync("create", "n2", 0, "{}")).Status));
    }

    [Fact]
    public async Task A_key_that_erased_one_space_erases_no_other()
    {
        var alice = New();
        var (_, first) = await alice.SharedAsync();
        var (owner, second) = await alice.SharedAsync();
        await alice.EraseSpaceAsync(first, "k1");
        Assert.Equal(422, (await alice.EraseSpaceAsync(second, "k1")).Status);
        Assert.Equal(200, (await owner.PullAsync()).Status);
    }

    [Fact]
    public async Task Erasing_me_erases_the_account_and_the_next_call_begins_another()
    {
        var alice = New();
        await alice.PushAsync("create", "n1", 0, """{"a":1}""");
        await alice.PushAsync("update", "n1", 1, """{"a":2}""");
        await alice.Other("tablet").PushAsync("update", "n1", 1, """{"a":3}""");
        var (_, shared) = await alice.SharedAsync();
        var id = await PersonalAsync(alice);
        Assert.All(await SpaceRequests.RowsAsync(id), table => Assert.True(table.Value > 0, table.Key));

        Assert.Equal((204, 204), ((await alice.EraseSpaceAsync("me", "k1")).Status, (await alice.EraseSpaceAsync("me", "k1")).Status));
        Assert.All(await SpaceRequests.RowsAsync(id), table => Assert.Equal(0, table.Value));
        Assert.NotEqual(id, await PersonalAsync(alice));
        Assert.Empty((await alice.PullAllAsync()).Changes);
        Assert.Equal(200, (await alice.In(shared).PullAsync()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeat_of_erasing_a_personal_space_erases_nothing_that_was_written_since(bool byId)
    {
        var alice = New();
        var erased = await PersonalAsync(alice);
        var name = byId ? erased : "me";
        var first = await alice.EraseSpaceAsync(name, "k1");
        var next = await PersonalAsync(alice);
        await alice.PushAsync("create", "n1", 0, "{}");
        var repeat = await alice.EraseSpaceAsync(name, "k1");
        Assert.Equal((204, null, 204, "true"),
            (first.Status, first.Header("Idempotent-Replayed"), repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(next, await PersonalAsync(alice));
        Assert.Single((await alice.PullAllAsync()).Changes);
        Assert.Equal(204, (await alice.EraseSpaceAsync("me", "k2")).Status);
        Assert.Empty((await alice.PullAllAsync()).Changes);
        Assert.All(await SpaceRequests.RowsAsync(next), table => Assert.Equal(0, table.Value));
    }

    [Fact]
    public async Task What_is_left_of_an_erased_account_is_its_next_space_with_the_outcome()
    {
        var alice = New();
        await alice.PushAsync("create", "n1", 0, "{}");
        await alice.EraseSpaceAsync("me", "k1");
        var next = await PersonalAsync(alice);
        Assert.Equal("""{"":{"applied":1}}""", await SpaceRequests.FiguresAsync(next));
        var rows = await SpaceRequests.RowsAsync(next);
        Assert.Equal("accounts=1 members=1 outcomes=1 spaces=1", string.Join(' ', rows
            .Where(table => table.Value > 0).OrderBy(table => table.Key, StringComparer.Ordinal).Select(table => $"{table.Key}={table.Value}")));
    }

    [Fact]
    public async Task A_key_that_was_used_for_something_else_erases_no_personal_space()
    {
        var alice = New();
        await alice.CreateSpaceAsync("""{"name":"Team"}""", "k1");
        await alice.PushAsync("create", "n1", 0, "{}");
        Assert.Equal(422, (await alice.EraseSpaceAsync("me", "k1")).Status);
        Assert.Single((await alice.PullAllAsync()).Changes);
    }

    [Fact]
    public async Task A_personal_space_can_be_erased_by_its_id_by_nobody_else()
    {
        var alice = New();
        var id = await PersonalAsync(alice);
        Assert.Equal(404, (await New().EraseSpaceAsync(id)).Status);
        Assert.Equal(204, (await alice.EraseSpaceAsync(id)).Status);
        Assert.All(await SpaceRequests.RowsAsync(id), table => Assert.Equal(0, table.Value));
    }

    [Fact]
    public async Task Pushes_and_an_erasure_at_once_leave_nothing_behind()
    {
        var alice = New();
        var (owner, id) = await alice.SharedAsync();
        var pushes = Enumerable.Range(0, 40).Select(i =>
            owner.Other("d", i % 2 == 0 ? TestServers.A : TestServers.B).PushAsync("create", $"n{i}", 0, "{}")).ToList();
        var erasures = Enumerable.Range(0, 4).Select(_ => alice.EraseSpaceAsync(id, "k1")).ToList();
        Assert.All(await Task.WhenAll(erasures), answer => Assert.Equal(204, answer.Status));
        Assert.All(await Task.WhenAll(pushes), answer => Assert.Contains(answer.Status, new[] { 201, 404 }));
        Assert.All(await SpaceRequests.RowsAsync(id), table => Assert.Equal(0, table.Value));
    }

    [Fact]
    public async Task Repeats_of_erasing_me_that_run_at_once_are_all_204()
    {
        var alice = New();
        await alice.PushAsync("create", "n1", 0, "{}");
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => alice.EraseSpaceAsync("me", "k1")));
        Assert.All(answers, answer => Assert.Equal(204, answer.Status));
        Assert.Single(answers, answer => answer.Header("Idempotent-Replayed") is null);
    }

    [Theory]
    [InlineData("not-a-space")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    public async Task Erasing_what_is_no_space_is_404(string space) => Assert.Equal(404, (await New().EraseSpaceAsync(space)).Status);

    private static async Task<string> PersonalAsync(Device device) =>
        (await device.GetAsync("/v1/session")).Body["spaces"]!.AsArray().Single(space => (bool)space!["personal"]!)!["id"]!.ToString();
}
