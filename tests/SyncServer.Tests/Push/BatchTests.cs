using System.Text;
using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Protocol 3.4, and chains of own ops (4), as an outbox sends them.</summary>
public sealed class BatchTests
{
    [Fact]
    public async Task A_bad_op_never_stops_the_ones_after_it()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var answer = await phone.BatchAsync([
            Op("update", id, 1, """{"title":"b"}"""), "17", Op("paint", id, 1), Op("update", NewId(), 1, "{}"), Op("create", NewId(), 0, "{}")]);
        Assert.Equal((200, "200,400,400,404,201"), (answer.Status, Statuses(answer)));
    }

    [Fact]
    public async Task Each_item_is_exactly_the_body_that_the_op_alone_would_have_given()
    {
        var phone = New();
        var op = Op("create", NewId(), 0, """{"title":"a"}""");
        var alone = Encoding.UTF8.GetString((await phone.PushAsync(op)).Bytes);
        var batch = Encoding.UTF8.GetString((await phone.BatchAsync([op])).Bytes);
        Assert.Equal($$"""{"results":[{{alone[..^1]}},"replayed":true}]}""", batch);
    }

    [Fact]
    public async Task The_same_op_twice_in_one_batch_is_a_replay()
    {
        var phone = New();
        var op = Op("create", NewId(), 0, "{}");
        var results = (await phone.BatchAsync([op, op])).Body["results"]!.AsArray();
        Assert.Null(results[0]!["replayed"]);
        Assert.True((bool)results[1]!["replayed"]!);
        Assert.Single((await phone.PullAllAsync()).Changes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_chain_of_own_ops_on_one_base_revision_never_conflicts_with_itself(bool counted)
    {
        var phone = New();
        var id = NewId();
        var chain = new List<string> { Op("create", id, 0, """{"title":"0"}""", counted ? 1 : null) };
        chain.AddRange(Enumerable.Range(1, 5).Select(i => Op("update", id, 0, $$"""{"title":"{{i}}"}""", counted ? i + 1 : null)));
        var answer = await phone.BatchAsync(chain);
        Assert.Equal("201,200,200,200,200,200", Statuses(answer));
        Assert.Equal(("6", "5"), (Last(answer)["record"]!["rev"]!.ToString(), Last(answer)["record"]!["data"]!["title"]!.ToString()));
    }

    [Fact]
    public async Task A_late_own_op_yields_to_the_later_one_that_arrived_first()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.PushAsync("update", id, 1, """{"title":"second"}""", n: 2);
        var late = await phone.PushAsync("update", id, 1, """{"title":"first","body":"y"}""", n: 1);
        Assert.Equal((200, "merged"), (late.Status, late["result"]));
        AssertJson("""{"title":"second","body":"y"}""", late.Body["record"]!["data"]!);
        Assert.Contains(late.Body["merge"]!.AsArray(), entry => entry!["path"]!.ToString() == "/title" && entry["rule"]!.ToString() == "own-later");
    }

    [Fact]
    public async Task An_own_op_that_agreed_counts_for_what_the_device_holds()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var tablet = phone.Other("tablet");
        await tablet.PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal("merged", (await phone.PushAsync("update", id, 1, """{"title":"b"}"""))["result"]);
        var next = await phone.PushAsync("update", id, 1, """{"title":"c"}""");
        Assert.Equal((200, "c"), (next.Status, next["record.data.title"]));

        // What the others put back after the agreement is their change, not what the device saw at first.
        var (other, second) = await WithNoteAsync("""{"title":"a"}""");
        await other.Other("tablet").PushAsync("update", second, 1, """{"title":"b"}""");
        await other.PushAsync("update", second, 1, """{"title":"b"}""");
        await other.Other("tablet").PushAsync("update", second, 2, """{"title":"a"}""");
        Assert.Equal(409, (await other.PushAsync("update", second, 1, """{"title":"c"}""")).Status);
    }

    [Fact]
    public async Task Without_a_device_nothing_is_own()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var nameless = phone.Other("");
        Assert.Equal(200, (await nameless.PushAsync("update", id, 1, """{"title":"b"}""")).Status);
        Assert.Equal(409, (await nameless.PushAsync("update", id, 1, """{"title":"c"}""")).Status);
    }

    [Fact]
    public async Task Base_revision_0_holds_only_for_a_record_of_this_device()
    {
        var phone = New();
        var id = NewId();
        await phone.PushAsync("create", id, 0, """{"title":"a"}""");
        Assert.Equal(200, (await phone.PushAsync("update", id, 0, """{"title":"b"}""")).Status);
        var other = await phone.Other("tablet").PushAsync("update", id, 0, """{"title":"c"}""");
        Assert.Equal((409, "/problems/conflict"), (other.Status, other["type"]));
    }

    [Fact]
    public async Task A_later_op_of_the_device_joins_its_open_conflict_and_its_ops_on_other_paths_go_on()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a","body":"x"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var parked = await phone.PushAsync("update", id, 1, """{"title":"c"}""");
        var joined = await phone.PushAsync("update", id, 1, """{"title":"d"}""");
        var goesOn = await phone.PushAsync("update", id, 1, """{"body":"y"}""");
        Assert.Equal((409, 409, 200), (parked.Status, joined.Status, goesOn.Status));
        Assert.Equal(parked["conflictId"], joined["conflictId"]);
        var conflict = (await phone.PullAllAsync()).Changes.Single(change => change["entity"]!.ToString() == "$conflict")["data"]!;
        Assert.Equal("d", conflict["yours"]!["title"]!.ToString());
        Assert.Equal(2, conflict["ops"]!.AsArray().Count);

        var others = await phone.Other("watch").PushAsync("update", id, 1, """{"title":"e"}""");
        Assert.NotEqual(parked["conflictId"], others["conflictId"]);
    }

    [Fact]
    public async Task An_update_of_a_parked_create_joins_it()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"theirs"}""");
        var parked = await phone.PushAsync("create", id, 0, """{"title":"mine"}""");
        var joined = await phone.PushAsync("update", id, 0, """{"body":"more"}""");
        Assert.Equal((409, 409), (parked.Status, joined.Status));
        Assert.Equal(parked["conflictId"], joined["conflictId"]);
    }

    [Fact]
    public async Task An_atomic_batch_is_applied_whole_or_not_at_all()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var (_, cursor) = await phone.PullAllAsync();
        var first = Op("create", NewId(), 0, "{}");
        var failed = await phone.BatchAsync([first, Op("update", id, 1, """{"title":"c"}"""), Op("create", NewId(), 0, "{}")], ",\"atomic\":true");
        Assert.Equal("424,409,424", Statuses(failed));
        Assert.Null(failed.Body["results"]![1]!["conflictId"]);
        Assert.Empty((await phone.PullAllAsync(cursor)).Changes);

        var applied = await phone.BatchAsync([first, Op("update", id, 2, """{"title":"c"}""")], ",\"atomic\":true");
        Assert.Equal("201,200", Statuses(applied));
        Assert.Null(applied.Body["results"]![0]!["replayed"]);
    }

    [Fact]
    public async Task A_dry_run_decides_everything_and_stores_nothing()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var (_, cursor) = await phone.PullAllAsync();
        var fresh = NewId();
        string[] ops = [Op("create", fresh, 0, """{"x":1}"""), Op("update", fresh, 0, """{"x":2}"""), Op("update", id, 1, """{"title":"c"}""")];
        var dry = await phone.BatchAsync(ops, ",\"dryRun\":true");
        Assert.Equal("201,200,409", Statuses(dry));
        Assert.Null(dry.Body["results"]![2]!["conflictId"]);
        Assert.Empty((await phone.PullAllAsync(cursor)).Changes);
        var real = await phone.BatchAsync(ops);
        Assert.Equal("201,200,409", Statuses(real));
        Assert.All(real.Body["results"]!.AsArray(), result => Assert.Null(result!["replayed"]));
    }

    [Theory]
    [InlineData("""{"ops":[]}""", 400)]
    [InlineData("""{"ops":{}}""", 400)]
    [InlineData("""[]""", 400)]
    [InlineData("""{"ops":[{}],"atomic":1}""", 400)]
    public async Task A_malformed_batch_is_400(string body, int status) =>
        Assert.Equal(status, (await New().SendAsync(HttpMethod.Post, "sync/batch", body)).Status);

    [Fact]
    public async Task A_batch_over_its_limits_is_413_and_changes_nothing()
    {
        var phone = New();
        var many = await phone.BatchAsync(Enumerable.Range(0, 501).Select(_ => Op("create", NewId(), 0, "{}")));
        Assert.Equal((413, "/problems/too-large"), (many.Status, many["type"]));
        var large = await phone.BatchAsync([Op("create", NewId(), 0, $$"""{"x":"{{new string('x', 5_000_000)}}"}""")]);
        Assert.Equal((413, "/problems/too-large"), (large.Status, large["type"]));
        Assert.Empty((await phone.PullAllAsync()).Changes);
        Assert.Equal(200, (await phone.BatchAsync(Enumerable.Range(0, 500).Select(_ => Op("create", NewId(), 0, "{}")))).Status);
        Assert.Equal(500, (await phone.PullAllAsync()).Changes.Count);
    }

    private static string Statuses(Answer answer) =>
        string.Join(',', answer.Body["results"]!.AsArray().Select(result => result!["status"]!.ToString()));

    private static JsonNode Last(Answer answer) => answer.Body["results"]!.AsArray()[^1]!;
}
