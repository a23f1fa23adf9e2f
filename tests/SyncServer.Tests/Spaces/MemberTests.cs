using System.Security.Cryptography;
using System.Text;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Spaces;

/// <summary>Members and what their roles allow (protocol 2).</summary>
public sealed class MemberTests
{
    [Theory]
    [InlineData("owner", 200, 201, 200, 201, 204)]
    [InlineData("writer", 200, 201, 200, 403, 403)]
    [InlineData("reader", 200, 403, 200, 403, 403)]
    [InlineData("outsider", 404, 404, 404, 404, 404)]
    public async Task A_role_allows_what_it_says(string role, int pull, int push, int members, int change, int erase)
    {
        var (owner, id) = await New().SharedAsync();
        var device = role == "outsider" ? New().In(id) : await owner.MemberAsync(id, role);
        Assert.Equal((pull, push), ((await device.PullAsync()).Status, (await device.PushAsync("create", "n1", 0, "{}")).Status));
        Assert.Equal((members, change), ((await device.GetAsync("members")).Status, (await device.PutMemberAsync("somebody", "reader")).Status));
        if (change != 201)
        {
            Assert.Equal(change, (await device.RemoveMemberAsync(owner.Principal)).Status);
        }

        Assert.Equal(erase, (await device.EraseSpaceAsync(id)).Status);
    }

    [Fact]
    public async Task Each_change_of_a_membership_is_a_revision_of_its_record_in_the_feed()
    {
        var (owner, id) = await New().SharedAsync();
        var bob = New().In(id);
        var (_, cursor) = await owner.PullAllAsync();

        var added = await owner.PutMemberAsync(bob.Principal, "reader", "k1");
        Assert.Equal((201, $"/v1/spaces/{id}/members/{bob.Principal}"), (added.Status, added.Header("Location")));
        Assert.Equal($$"""{"principal":"{{bob.Principal}}","role":"reader"}""", Encoding.UTF8.GetString(added.Bytes));
        await ExpectAsync("1 reader False");

        Assert.Equal(200, (await owner.PutMemberAsync(bob.Principal, "reader")).Status);
        Assert.Empty((await owner.PullAllAsync(cursor)).Changes);

        var promoted = await owner.PutMemberAsync(bob.Principal, "writer");
        Assert.Equal((200, "writer", null), (promoted.Status, promoted["role"], promoted.Header("Location")));
        await ExpectAsync("2 writer False");

        Assert.Equal(204, (await owner.RemoveMemberAsync(bob.Principal)).Status);
        await ExpectAsync("3  True");
        Assert.Equal((404, 404), ((await bob.PullAsync()).Status, (await bob.PushAsync("create", "n1", 0, "{}")).Status));

        Assert.Equal(201, (await owner.PutMemberAsync(bob.Principal, "owner")).Status);
        await ExpectAsync("4 owner False");
        Assert.Equal("me:owner other:owner", await bob.MembersAsync());

        async Task ExpectAsync(string expected)
        {
            (var changes, cursor) = await owner.PullAllAsync(cursor);
            var change = Assert.Single(changes);
            Assert.Equal(("$member", bob.Principal), (change["entity"]!.ToString(), change["id"]!.ToString()));
            Assert.Equal(expected, $"{change["rev"]} {change["data"]?["role"]} {(bool)change["deleted"]!}");
        }
    }

    [Theory]
    [InlineData("auth0|5f7c/9 ä", true)]
    [InlineData("a%2Fb", true)]
    [InlineData("%ff", true)]
    [InlineData("~bob", true)]
    [InlineData("bob@example.com", true)]
    [InlineData("bob.smith-1_2", false)]
    public async Task Any_principal_can_be_a_member_and_has_a_record_of_its_own(string principal, bool hashed)
    {
        var (owner, _) = await New().SharedAsync();
        Assert.Equal(principal, (await owner.PutMemberAsync(principal, "reader"))["principal"]);
        var (changes, _) = await owner.PullAllAsync();
        var expected = hashed
            ? "~" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(principal))).Replace('+', '-').Replace('/', '_').TrimEnd('=')
            : principal;
        Assert.Equal((expected, principal), (changes[^1]["id"]!.ToString(), changes[^1]["data"]!["principal"]!.ToString()));
        Assert.Contains((await owner.GetAsync("members")).Body["members"]!.AsArray(), member => member!["principal"]!.ToString() == principal);
        Assert.Equal(204, (await owner.RemoveMemberAsync(principal)).Status);
        Assert.Equal("me:owner", await owner.MembersAsync());
    }

    [Fact]
    public async Task A_principal_has_at_most_255_characters_and_no_control_character()
    {
        var (owner, _) = await New().SharedAsync();
        Assert.Equal(201, (await owner.PutMemberAsync(new string('p', 255), "reader")).Status);
        Assert.Equal(400, (await owner.PutMemberAsync(new string('p', 256), "reader")).Status);
        Assert.Equal(400, (await owner.PutMemberAsync("a\tb", "reader")).Status);
        Assert.Equal(400, (await owner.RemoveMemberAsync("a\tb")).Status);
    }

    [Theory]
    [InlineData("%ff", 400)]
    [InlineData("a%2525%C3", 400)]
    [InlineData("%E2%25%82%AC", 400)]
    [InlineData("%ED%A0%80", 400)]
    [InlineData("%25ff", 201)]
    [InlineData("%C3%A4%25", 201)]
    public async Task A_principal_is_utf_8_in_the_path(string escaped, int status)
    {
        var (owner, _) = await New().SharedAsync();
        Assert.Equal(status, (await owner.SendAsync(HttpMethod.Put, $"members/{escaped}", """{"role":"reader"}""", SpaceRequests.Key(null))).Status);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"role":"admin"}""")]
    [InlineData("""{"role":3}""")]
    [InlineData("""[]""")]
    public async Task A_role_is_one_of_three(string body)
    {
        var (owner, _) = await New().SharedAsync();
        var answer = await owner.SendAsync(HttpMethod.Put, "members/bob", body, SpaceRequests.Key(null));
        Assert.Equal((400, "/role"), (answer.Status, answer.Body["errors"]![0]!["pointer"]!.ToString()));
    }

    [Fact]
    public async Task The_last_owner_stays()
    {
        var (owner, id) = await New().SharedAsync();
        var bob = await owner.MemberAsync(id, "writer");
        var left = await owner.RemoveMemberAsync(owner.Principal, "k1");
        var repeat = await owner.RemoveMemberAsync(owner.Principal, "k1");
        var demoted = await owner.PutMemberAsync(owner.Principal, "writer");
        Assert.Equal((409, "/problems/last-owner", 409), (left.Status, left["type"], demoted.Status));
        Assert.Equal($"/v1/spaces/{id}/members/{owner.Principal}", left["instance"]);
        Assert.Equal("true", repeat.Header("Idempotent-Replayed"));
        Assert.Equal(left.Bytes, repeat.Bytes);

        Assert.Equal(200, (await owner.PutMemberAsync(bob.Principal, "owner")).Status);
        Assert.Equal(204, (await owner.RemoveMemberAsync(owner.Principal, "k2")).Status);
        Assert.Equal("me:owner", await bob.MembersAsync());
        Assert.Equal(409, (await bob.PutMemberAsync(bob.Principal, "reader")).Status);
    }

    [Fact]
    public async Task Of_two_owners_who_leave_at_once_one_stays()
    {
        var (owner, id) = await New().SharedAsync();
        var bob = (await owner.MemberAsync(id, "owner")).Other("phone", TestServers.B);
        var answers = await Task.WhenAll(owner.RemoveMemberAsync(owner.Principal), bob.RemoveMemberAsync(bob.Principal));
        Assert.Equal([204, 409], answers.Select(answer => answer.Status).Order());
    }

    [Theory]
    [InlineData("reader")]
    [InlineData("writer")]
    public async Task Anybody_may_leave_and_is_outside_afterwards(string role)
    {
        var (owner, id) = await New().SharedAsync();
        var bob = await owner.MemberAsync(id, role);
        Assert.Equal(204, (await bob.RemoveMemberAsync(bob.Principal, "k1")).Status);
        Assert.Equal((404, 404), ((await bob.RemoveMemberAsync(bob.Principal, "k1")).Status, (await bob.GetAsync("members")).Status));
        Assert.Equal("me:owner", await owner.MembersAsync());
    }

    [Fact]
    public async Task A_repeat_answers_the_first_bytes_whatever_happened_since()
    {
        var (owner, id) = await New().SharedAsync();
        var bob = New().In(id);
        var first = await owner.PutMemberAsync(bob.Principal, "reader", "k1");
        await owner.PutMemberAsync(bob.Principal, "writer", "k2");
        var repeat = await owner.PutMemberAsync(bob.Principal, "reader", "k1");
        Assert.Equal((201, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        Assert.Equal("me:writer other:owner", await bob.MembersAsync());

        Assert.Equal(204, (await owner.RemoveMemberAsync(bob.Principal, "k3")).Status);
        await owner.PutMemberAsync(bob.Principal, "reader", "k4");
        var removed = await owner.RemoveMemberAsync(bob.Principal, "k3");
        Assert.Equal((204, "true"), (removed.Status, removed.Header("Idempotent-Replayed")));
        Assert.Equal("me:reader other:owner", await bob.MembersAsync());
    }

    [Fact]
    public async Task A_key_stands_for_one_request()
    {
        var (owner, id) = await New().SharedAsync();
        await owner.PutMemberAsync("bob", "reader", "k1");
        Answer[] answers =
        [
            await owner.PutMemberAsync("bob", "writer", "k1"),
            await owner.PutMemberAsync("carol", "reader", "k1"),
            await owner.RemoveMemberAsync("bob", "k1"),
            await owner.PushAsync(Op("create", "n1", 0, "{}", opId: "k1")),
        ];
        Assert.All(answers, answer => Assert.Equal((422, "/problems/idempotency-key-reused"), (answer.Status, answer["type"])));
        Assert.Equal($"/v1/spaces/{id}/members/carol", answers[1]["instance"]);
        Assert.Equal("me:owner other:reader", await owner.MembersAsync());
    }

    [Fact]
    public async Task A_repeat_of_an_owner_who_is_outside_now_is_404_and_of_one_with_less_rights_403()
    {
        var (owner, id) = await New().SharedAsync();
        var bob = await owner.MemberAsync(id, "owner");
        await bob.PutMemberAsync("carol", "reader", "k1");
        await owner.PutMemberAsync(bob.Principal, "reader");
        Assert.Equal(403, (await bob.PutMemberAsync("carol", "reader", "k1")).Status);
        await owner.RemoveMemberAsync(bob.Principal);
        Assert.Equal(404, (await bob.PutMemberAsync("carol", "reader", "k1")).Status);
    }

    [Fact]
    public async Task An_unknown_member_is_404_and_its_key_is_free_for_a_repeat()
    {
        var (owner, _) = await New().SharedAsync();
        Assert.Equal(404, (await owner.RemoveMemberAsync("bob", "k1")).Status);
        await owner.PutMemberAsync("bob", "reader");
        Assert.Equal(204, (await owner.RemoveMemberAsync("bob", "k1")).Status);
    }

    [Fact]
    public async Task A_personal_space_has_one_member_for_good()
    {
        var alice = New();
        Assert.Equal("me:owner", await alice.MembersAsync());
        Assert.Equal(403, (await alice.PutMemberAsync("bob", "reader")).Status);
        Assert.Equal(404, (await alice.RemoveMemberAsync("bob")).Status);
        Assert.Equal((409, 409), ((await alice.RemoveMemberAsync(alice.Principal)).Status, (await alice.PutMemberAsync(alice.Principal, "reader")).Status));
        Assert.Equal(200, (await alice.PutMemberAsync(alice.Principal, "owner")).Status);
        Assert.Empty((await alice.PullAllAsync()).Changes);
    }

    [Fact]
    public async Task Members_are_listed_page_by_page()
    {
        var (owner, _) = await New().SharedAsync();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => owner.PutMemberAsync($"a{i}", "reader")));
        var first = await owner.GetAsync("members?limit=3");
        Assert.Equal((200, "true", "private, no-cache"), (first.Status, first["hasMore"], first.Header("Cache-Control")));
        var rest = await owner.GetAsync($"members?limit=3&cursor={first["cursor"]}");
        Assert.Equal(("false", null), (rest["hasMore"], rest["cursor"]));
        string[] all = [.. first.Body["members"]!.AsArray().Concat(rest.Body["members"]!.AsArray()).Select(member => member!["principal"]!.ToString())];
        Assert.Equal(["a0", "a1", "a2", "a3", owner.Principal], all);
        Assert.Equal(400, (await owner.GetAsync("members?limit=0")).Status);
        Assert.Equal(400, (await owner.GetAsync("members?cursor=*")).Status);
    }

    [Fact]
    public async Task Members_are_written_by_no_op()
    {
        var (owner, _) = await New().SharedAsync();
        var op = Op("update", owner.Principal, 1, """{"role":"reader"}""").Replace("\"note\"", "\"$member\"", StringComparison.Ordinal);
        Assert.Equal(400, (await owner.PushAsync(op)).Status);
    }

    [Fact]
    public async Task A_removal_and_pushes_at_once_end_with_the_member_outside()
    {
        var (owner, id) = await New().SharedAsync();
        var bob = await owner.MemberAsync(id, "writer");
        var (_, cursor) = await owner.PullAllAsync();
        var pushes = Enumerable.Range(0, 30).Select(i => bob.Other("d", i % 2 == 0 ? TestServers.A : TestServers.B).PushAsync("create", $"n{i}", 0, "{}")).ToList();
        Assert.Equal(204, (await owner.RemoveMemberAsync(bob.Principal)).Status);
        var accepted = (await Task.WhenAll(pushes)).Count(answer => answer.Status == 201);
        Assert.Equal(404, (await bob.PullAsync()).Status);
        var (changes, _) = await owner.PullAllAsync(cursor);
        Assert.Equal(accepted, changes.Count(change => change["entity"]!.ToString() == "note"));
        Assert.Equal((bob.Principal, true), (changes[^1]["id"]!.ToString(), (bool)changes[^1]["deleted"]!));
    }
}
