using Microsoft.Extensions.DependencyInjection;
using SyncServer.Checksums;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Tests.Pull;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Checksums;

/// <summary>Protocol 5: <c>GET sync/checksums</c>, and <c>checksums=1</c> of a pull.</summary>
public sealed class ChecksumTests
{
    private const string Nothing = "\"count\":0,\"sum\":\"0000000000000000\"";

    [Fact]
    public async Task Without_an_entity_there_are_count_and_sum_of_all_that_have_live_records()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        await phone.PushAsync(Op("create", "t1", 0, "{}", entity: "task"));
        await phone.PushAsync(Op("create", "l1", 0, "{}", entity: "list"));
        await phone.PushAsync(Op("delete", "l1", 1, entity: "list"));
        var answer = await ReadAsync(phone);
        Assert.Equal(Object(("note", LocalStore.Sum("note", [(id, 1)])), ("task", LocalStore.Sum("task", [("t1", 1)]))), Entities(answer));
        Assert.Equal(["cursor", "entities"], answer.Body.AsObject().Select(member => member.Key));
        Assert.Equal((200, "private, no-cache", "Authorization"), (answer.Status, answer.Header("Cache-Control"), answer.Header("Vary")));
    }

    [Fact]
    public async Task With_an_entity_there_are_its_buckets_and_with_a_bucket_its_records_by_id()
    {
        var phone = New();
        await phone.BatchAsync(Enumerable.Range(0, 400).Select(i => Op("create", $"n{i}", 0, "{}")));
        await phone.PushAsync("update", "n7", 1, """{"a":1}""");
        await phone.PushAsync("delete", "n8", 1);
        var store = await LocalStore.OfAsync(phone);
        Assert.Equal(store.Entities("note"), Entities(await ReadAsync(phone, "?entity=note")));

        var bucket = LocalStore.Bucket("n7");
        var records = store.In("note", bucket).ToList();
        Assert.Contains(("n7", 2), records);
        Assert.True(records.Count > 1);
        var members = $"{LocalStore.Sum("note", store.Of("note"))},\"buckets\":{Object((bucket, LocalStore.Sum("note", records)))},\"records\":["
            + string.Join(',', records.Select(record => $$"""{"id":"{{record.Id}}","rev":{{record.Rev}}}""")) + "]";
        Assert.Equal(Object(("note", members)), Entities(await ReadAsync(phone, $"?entity=note&bucket={bucket}")));
    }

    [Fact]
    public async Task Empty_buckets_are_left_out_and_an_entity_without_live_records_is_there_where_it_is_asked_for()
    {
        var (phone, id) = await RecordRequests.WithTombstoneAsync();
        Assert.Equal("{}", Entities(await ReadAsync(phone)));
        Assert.Equal("""{"note":{"count":0,"sum":"0000000000000000","buckets":{}}}""", Entities(await ReadAsync(phone, "?entity=note")));
        Assert.Equal(
            """{"note":{"count":0,"sum":"0000000000000000","buckets":{},"records":[]}}""",
            Entities(await ReadAsync(phone, $"?entity=note&bucket={LocalStore.Bucket(id)}")));
    }

    [Fact]
    public async Task Several_entities_may_be_asked_for_and_each_answers_once()
    {
        var phone = New();
        await phone.BatchAsync([Op("create", "n", 0, "{}"), Op("create", "t", 0, "{}", entity: "task"), Op("create", "l", 0, "{}", entity: "list")]);
        var store = await LocalStore.OfAsync(phone);
        Assert.Equal(store.Entities("note", "task"), Entities(await ReadAsync(phone, "?entity=task&entity=note&entity=task")));
    }

    [Fact]
    public async Task Conflicts_and_members_count_like_every_record_of_the_feed()
    {
        var (owner, space) = await New().SharedAsync();
        var reader = await owner.MemberAsync(space, "reader");
        var other = await owner.MemberAsync(space, "writer");
        await owner.PutMemberAsync(reader.Principal, "writer");
        await owner.RemoveMemberAsync(other.Principal);
        var id = NewId();
        await owner.PushAsync("create", id, 0, """{"title":"a"}""");
        await owner.PushAsync("update", id, 1, """{"title":"b"}""");
        Assert.Equal(409, (await reader.PushAsync("update", id, 1, """{"title":"c"}""")).Status);
        Assert.Equal(409, (await reader.PushAsync("update", id, 1, """{"title":"d"}""")).Status);

        var store = await LocalStore.OfAsync(owner);
        Assert.Equal([1L, 2L], store.Of("$member").Select(member => member.Rev).Order());
        Assert.Equal([2L], store.Of("$conflict").Select(conflict => conflict.Rev));
        Assert.Equal(store.Entities(), Entities(await ReadAsync(owner)));
        Assert.Equal(store.Entities("$conflict", "$member"), Entities(await ReadAsync(owner, "?entity=%24member&entity=%24conflict")));
    }

    [Fact]
    public async Task The_cursor_is_that_of_a_pull_to_the_same_head()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var (_, cursor) = await phone.PullAllAsync();
        Assert.Equal((cursor, cursor), ((await ReadAsync(phone))["cursor"], (await ReadAsync(phone, "?entity=note"))["cursor"]));
        await phone.PushAsync("update", id, 1, """{"a":1}""");
        var moved = (await ReadAsync(phone, "?entity=note"))["cursor"]!;
        Assert.NotEqual(cursor, moved);
        Assert.Empty((await phone.PullAllAsync(moved)).Changes);
    }

    [Fact]
    public async Task At_the_same_head_the_etag_gives_304()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var etag = (await ReadAsync(phone, "?entity=note")).Header("ETag")!;
        var unchanged = await phone.GetAsync("sync/checksums?entity=note", ("If-None-Match", etag));
        Assert.Equal((304, etag, "private, no-cache", 0), (unchanged.Status, unchanged.Header("ETag"), unchanged.Header("Cache-Control"), unchanged.Bytes.Length));
        await phone.PushAsync("update", id, 1, """{"a":1}""");
        Assert.Equal(200, (await phone.GetAsync("sync/checksums?entity=note", ("If-None-Match", etag))).Status);
        Assert.Equal(400, (await phone.GetAsync("sync/checksums", ("If-None-Match", "nonsense"))).Status);
    }

    [Fact]
    public async Task After_me_was_erased_its_etag_is_another_at_the_same_head()
    {
        var (phone, _) = await RecordRequests.WithNoteAsync();
        var before = (await ReadAsync(phone)).Header("ETag")!;
        Assert.Equal(204, (await phone.EraseSpaceAsync("me")).Status);
        Assert.Equal("{}", Entities(await ReadAsync(phone)));
        await phone.PutAsync(NewId(), "{}", RecordRequests.New);
        Assert.Equal(200, (await phone.GetAsync("sync/checksums", ("If-None-Match", before))).Status);
    }

    [Fact]
    public async Task Questions_of_a_principal_for_buckets_wait_for_each_other_and_only_so_many_wait()
    {
        var (phone, other) = (New(), New());
        List<Task<Answer>> asked;
        using (await TestServers.A.App.Services.GetRequiredService<Scans>().Principals.TakeAsync(phone.Principal, default))
        {
            asked = [.. Enumerable.Range(0, Scans.WaitingMax + 1).Select(_ => ReadAsync(phone, "?entity=note"))];
            var refused = await Task.WhenAny(asked);
            var busy = await refused;
            Assert.Equal((429, "/problems/too-many-requests", "1", null), (busy.Status, busy["type"], busy.Header("Retry-After"), busy.Header("ETag")));
            Assert.Equal((200, 200), ((await ReadAsync(phone)).Status, (await ReadAsync(other, "?entity=note")).Status));
            asked.Remove(refused);
            Assert.DoesNotContain(asked, question => question.IsCompleted);
        }

        Assert.All(await Task.WhenAll(asked), answer => Assert.Equal(200, answer.Status));
        Assert.Equal(200, (await ReadAsync(phone, "?entity=note")).Status);
    }

    [Fact]
    public async Task A_question_for_buckets_whose_client_goes_away_leaves_the_line()
    {
        var turns = new PrincipalPlaces(most: 1, waiting: 1);
        var first = await turns.TakeAsync("p", default);
        using var leaving = new CancellationTokenSource();
        var second = turns.TakeAsync("p", leaving.Token);
        Assert.Null(await turns.TakeAsync("p", default));
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        var third = turns.TakeAsync("p", default);
        Assert.False(third.IsCompleted);
        first!.Dispose();
        Assert.NotNull(await third);
        Assert.NotNull(await turns.TakeAsync("q", default));
    }

    [Theory]
    [InlineData("?bucket=3f")]
    [InlineData("?entity=note&bucket=")]
    [InlineData("?entity=note&bucket=3")]
    [InlineData("?entity=note&bucket=3F")]
    [InlineData("?entity=note&bucket=3g")]
    [InlineData("?entity=note&bucket=3f0")]
    [InlineData("?entity=note&bucket=3f&bucket=3f")]
    [InlineData("?entity=%24nope")]
    [InlineData("?entity=")]
    public async Task A_malformed_question_is_400(string query) => Assert.Equal(400, (await ReadAsync(New(), query)).Status);

    [Fact]
    public async Task Readers_may_ask_and_for_outsiders_there_is_no_such_space()
    {
        var (owner, _) = await RecordRequests.WithNoteAsync();
        var reader = await owner.MemberAsync(Role.Reader);
        Assert.Equal(200, (await ReadAsync(reader)).Status);
        var space = await PullTests.SpaceIdAsync(owner);
        var (outside, nowhere) = (await ReadAsync(New().In($"{space}")), await ReadAsync(New().In(NewId())));
        Assert.Equal((404, 404, outside["type"]), (outside.Status, nowhere.Status, nowhere["type"]));
    }

    [Fact]
    public async Task The_last_page_of_a_pull_carries_checksums_of_its_own_snapshot_where_they_are_asked_for()
    {
        var phone = New();
        await phone.BatchAsync([Op("create", "n1", 0, "{}"), Op("create", "n2", 0, "{}"), Op("create", "t", 0, "{}", entity: "task")]);
        var store = await LocalStore.OfAsync(phone);
        var first = await phone.PullAsync("?checksums=1&limit=2");
        Assert.Equal(("true", null), (first["hasMore"], first["checksums"]));
        var last = await phone.PullAsync($"?checksums=1&limit=2&cursor={first["cursor"]}");
        Assert.Equal(("false", store.Entities()), (last["hasMore"], last.Body["checksums"]!.ToJsonString()));

        var rest = await phone.PullAsync($"?checksums=1&cursor={last["cursor"]}");
        Assert.Equal((0, store.Entities()), (rest.Body["changes"]!.AsArray().Count, rest.Body["checksums"]!.ToJsonString()));
        Assert.Equal(store.Entities(), (await phone.PullAsync("?checksums=1&cursor=now")).Body["checksums"]!.ToJsonString());
        Assert.Null((await phone.PullAsync())["checksums"]);
        Assert.Null((await phone.PullAsync("?checksums=0"))["checksums"]);
        Assert.Equal(304, (await phone.GetAsync($"sync/changes?checksums=1&cursor={last["cursor"]}", ("If-None-Match", rest.Header("ETag")!))).Status);
    }

    [Fact]
    public async Task Checksums_of_a_pull_are_those_of_its_filter()
    {
        var phone = New();
        await phone.BatchAsync([Op("create", "n1", 0, "{}"), Op("create", "t", 0, "{}", entity: "task")]);
        var page = await phone.PullAsync("?checksums=1&entity=list&entity=task");
        Assert.Equal(Object(("list", Nothing), ("task", LocalStore.Sum("task", [("t", 1)]))), page.Body["checksums"]!.ToJsonString());
        Assert.Equal("{}", (await New().PullAsync("?checksums=1")).Body["checksums"]!.ToJsonString());
    }

    [Theory]
    [InlineData("?checksums=")]
    [InlineData("?checksums=yes")]
    [InlineData("?checksums=1&checksums=1")]
    public async Task Checksums_of_a_pull_are_asked_for_by_1(string query) => Assert.Equal(400, (await New().PullAsync(query)).Status);

    private static string Object(params (string Name, string Members)[] objects) =>
        $"{{{string.Join(',', objects.Select(each => $"\"{each.Name}\":{{{each.Members}}}"))}}}";

    private static Task<Answer> ReadAsync(Device device, string query = "") => device.GetAsync("sync/checksums" + query);

    private static string? Entities(Answer answer) => answer.Body["entities"]?.ToJsonString();
}
