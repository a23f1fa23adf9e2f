using SyncServer.Core.Spaces;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Pushes that share a transaction: each is answered as if it had come alone, in the order in which they came.</summary>
public sealed class GroupTests
{
    [Fact]
    public async Task A_second_group_begins_once_half_as_many_wait_as_the_first_one_has()
    {
        await using var held = await HeldServer.StartAsync("--Push:Workers=2");
        var (phone, one, other) = (New(held.Server), New(held.Server), New(held.Server));
        Assert.Equal((200, 200), ((await one.PullAsync()).Status, (await other.PullAsync()).Status));
        var gate = phone.PushAsync(Op("create", "gate", 0, "{}", entity: "gate"));
        await held.EnteredAsync();
        var four = new List<Task<Answer>> { await held.QueueAsync(() => phone.PushAsync(Op("create", "next", 0, "{}", entity: "gate"))) };
        for (var i = 0; i < 3; i++)
        {
            four.Add(await held.QueueAsync(() => phone.PushAsync("create", NewId(), 0, "{}")));
        }

        await held.ReleaseAsync();
        await held.EnteredAsync();
        var first = await held.QueueAsync(() => one.PushAsync("create", "n1", 0, "{}"));
        var answers = await Task.WhenAll(first, other.PushAsync("create", "n1", 0, "{}"));
        Assert.All(answers, answer => Assert.Equal(201, answer.Status));
        // One group, one clock.
        Assert.NotNull(answers[0]["record.updatedAtServer"]);
        Assert.Equal(answers[0]["record.updatedAtServer"], answers[1]["record.updatedAtServer"]);
        Assert.All(four, push => Assert.False(push.IsCompleted));
        await held.ReleaseAsync();
        Assert.All([await gate, .. await Task.WhenAll(four)], answer => Assert.Equal(201, answer.Status));
    }

    [Fact]
    public async Task Pushes_of_one_space_are_decided_in_the_order_in_which_they_came()
    {
        await using var held = await HeldServer.StartAsync();
        var phone = New(held.Server);
        await phone.PullAsync();
        await held.HoldAsync();
        var answers = new List<Task<Answer>>();
        for (var i = 0; i < 20; i++)
        {
            var id = $"note-{i}";
            answers.Add(await held.QueueAsync(() => phone.PushAsync("create", id, 0, "{}")));
        }

        await held.ReleaseAsync();
        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal(201, answer.Status));
        var (changes, _) = await phone.PullAllAsync();
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"note-{i}"), changes.Select(change => change["id"]!.ToString()));
    }

    [Fact]
    public async Task A_push_whose_plan_throws_fails_alone()
    {
        await using var held = await HeldServer.StartAsync();
        var (same, other) = (New(held.Server), New(held.Server));
        await same.PullAsync();
        await other.PullAsync();
        await held.HoldAsync();
        var before = await held.QueueAsync(() => same.PushAsync("create", "before", 0, "{}"));
        var poison = await held.QueueAsync(() => same.BatchAsync([Op("create", "fine", 0, "{}"), Op("create", "x", 0, "{}", entity: "poison")]), ops: 2);
        var after = await held.QueueAsync(() => same.PushAsync("create", "after", 0, "{}"));
        var elsewhere = await held.QueueAsync(() => other.PushAsync("create", "elsewhere", 0, "{}"));
        await held.ReleaseAsync();
        Assert.Equal([201, 500, 201, 201], (await Task.WhenAll(before, poison, after, elsewhere)).Select(answer => answer.Status));
        Assert.Equal(["before", "after"], (await same.PullAllAsync()).Changes.Select(change => change["id"]!.ToString()));
        Assert.Equal(["elsewhere"], (await other.PullAllAsync()).Changes.Select(change => change["id"]!.ToString()));
    }

    [Fact]
    public async Task An_atomic_batch_that_fails_leaves_nothing_and_its_neighbours_are_stored()
    {
        await using var held = await HeldServer.StartAsync();
        var phone = New(held.Server);
        await phone.PullAsync();
        await held.HoldAsync();
        var first = await held.QueueAsync(() => phone.PushAsync("create", "first", 0, "{}"));
        var fails = await held.QueueAsync(() => phone.BatchAsync(
            [Op("create", "never", 0, "{}"), Op("create", "first", 0, "{}")], ""","atomic":true"""), ops: 2);
        var holds = await held.QueueAsync(() => phone.BatchAsync(
            [Op("create", "second", 0, "{}"), Op("update", "first", 1, """{"a":1}""")], ""","atomic":true"""), ops: 2);
        var last = await held.QueueAsync(() => phone.PushAsync("create", "last", 0, "{}"));
        await held.ReleaseAsync();
        Assert.Equal((201, "424 409", "201 200", 201),
            ((await first).Status, Statuses(await fails), Statuses(await holds), (await last).Status));
        Assert.Equal(["second", "first", "last"], (await phone.PullAllAsync()).Changes.Select(change => change["id"]!.ToString()));
    }

    [Fact]
    public async Task Members_who_edit_one_record_in_one_group_have_conflicts_of_their_own()
    {
        await using var held = await HeldServer.StartAsync();
        var (alice, space) = await New(held.Server).SharedAsync();
        var (bob, carol) = (New(held.Server).In(space), New(held.Server).In(space));
        var stranger = New(held.Server).In(space);
        var reader = New(held.Server).In(space);
        foreach (var (device, role) in new[] { (bob, "writer"), (carol, "writer"), (reader, "reader") })
        {
            Assert.Equal(201, (await alice.PutMemberAsync(device.Principal, role)).Status);
        }

        await alice.PushAsync("create", "shared", 0, """{"title":"a","body":"b"}""");
        await held.HoldAsync();
        var pushes = new List<Task<Answer>>();
        foreach (var (device, patch) in new[]
        {
            (alice, """{"title":"alice"}"""), (stranger, """{"title":"stranger"}"""), (bob, """{"title":"bob"}"""), (reader, """{"title":"reader"}"""),
            (carol, """{"title":"carol"}"""), (bob, """{"title":"bob again"}"""), (carol, """{"body":"carol"}"""), (alice, """{"title":"alice"}"""),
        })
        {
            pushes.Add(await held.QueueAsync(() => device.PushAsync("update", "shared", 1, patch)));
        }

        await held.ReleaseAsync();
        var answers = await Task.WhenAll(pushes);
        Assert.Equal([200, 404, 409, 403, 409, 409, 200, 200], answers.Select(answer => answer.Status));
        Assert.Equal(answers[2]["conflictId"], answers[5]["conflictId"]);
        Assert.NotEqual(answers[2]["conflictId"], answers[4]["conflictId"]);
        Assert.Equal(("alice", "carol", "3"), (answers[7]["record.data.title"], answers[7]["record.data.body"], answers[7]["record.rev"]));
        Assert.Equal(2, (await alice.GetAsync("conflicts?state=open")).Body["conflicts"]!.AsArray().Count);
    }

    [Fact]
    public async Task Late_ops_in_one_group_yield_to_later_ops_of_their_own_device_and_of_nobody_else()
    {
        await using var held = await HeldServer.StartAsync();
        var (alice, space) = await New(held.Server).SharedAsync();
        var (bob, stranger) = (New(held.Server).In(space), New(held.Server).In(space));
        Assert.Equal(201, (await alice.PutMemberAsync(bob.Principal, "writer")).Status);
        await alice.PushAsync("create", "shared", 0, """{"count":1,"other":1}""");
        Assert.Equal(200, (await alice.PushAsync(Op("update", "shared", 1, """{"count":9}""", 5))).Status);
        Assert.Equal(200, (await bob.PushAsync(Op("update", "shared", 2, """{"other":9}""", 5))).Status);
        await held.HoldAsync();
        var late = new List<Task<Answer>>();
        foreach (var device in new[] { alice, stranger, bob })
        {
            late.Add(await held.QueueAsync(() => device.PushAsync(Op("update", "shared", null, """{"count":{"$inc":1}}""", 4))));
        }

        await held.ReleaseAsync();
        var answers = await Task.WhenAll(late);
        Assert.Equal([("200", "own-later", "9"), ("404", null, null), ("200", null, "10")],
            answers.Select(answer => (answer["status"], answer.Body["merge"]?[0]!["rule"]!.ToString(), answer["record.data.count"])));
    }

    [Fact]
    public async Task The_same_op_twice_in_one_group_is_applied_once_and_replayed()
    {
        await using var held = await HeldServer.StartAsync();
        var phone = New(held.Server);
        await phone.PullAsync();
        await held.HoldAsync();
        var op = Op("create", "once", 0, "{}");
        var first = await held.QueueAsync(() => phone.PushAsync(op));
        var second = await held.QueueAsync(() => phone.PushAsync(op));
        await held.ReleaseAsync();
        Assert.Equal((null, "true"), ((await first).Header("Idempotent-Replayed"), (await second).Header("Idempotent-Replayed")));
        Assert.Equal((await first).Bytes, (await second).Bytes);
        Assert.Single((await phone.PullAllAsync()).Changes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Many_writers_at_two_servers_lose_nothing_and_leave_no_gap(int spaces)
    {
        const int Writers = 40, Ops = 5;
        var owners = Enumerable.Range(0, spaces).Select(_ => New()).ToList();
        await Task.WhenAll(owners.Select(owner => owner.PullAsync()));
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var device = owners[writer % spaces].Other($"w{writer}", writer % 4 < 2 ? TestServers.A : TestServers.B);
            for (var i = 0; i < Ops; i++)
            {
                Assert.Equal(201, (await device.PushAsync("create", $"{writer}-{i}", 0, "{}")).Status);
            }
        }));

        foreach (var owner in owners)
        {
            var events = (await owner.GetAsync("sync/changes?limit=1000")).Body["changes"]!.AsArray();
            Assert.Equal(Writers * Ops / spaces, events.Select(change => change!["id"]!.ToString()).Distinct().Count());
            Assert.Equal([(Writers * Ops / spaces, Writers * Ops / spaces)], await QueueTests.HeadsAsync(owner));
        }
    }

    private static string Statuses(Answer batch) =>
        string.Join(' ', batch.Body["results"]!.AsArray().Select(result => result!["status"]!.ToString()));
}
