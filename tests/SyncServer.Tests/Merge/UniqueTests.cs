using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>Protocol 4.1, <c>unique</c>: at most one live record of a space has the values.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class UniqueTests(DefinedServers servers)
{
    private static readonly (string Name, string Value) NoneYet = ("If-None-Match", "*");

    [Fact]
    public async Task Of_devices_that_take_one_number_at_two_servers_exactly_one_gets_it_and_the_others_are_parked()
    {
        var phone = New(servers.A);
        await phone.PullAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i =>
        {
            var device = phone.Other($"device-{i}", i % 2 == 0 ? servers.A : servers.B);
            return device.BatchAsync([Create("""{"number":"7"}"""), Create($$"""{"number":"other-{{i}}"}""")]);
        }));

        var firsts = answers.Select(answer => answer.Body["results"]![0]!).ToList();
        Assert.Single(firsts, result => (int)result["status"]! == 201);
        Assert.All(firsts.Where(result => (int)result["status"]! != 201), result =>
        {
            Assert.Equal((409, "/problems/unique"), ((int)result["status"]!, result["type"]!.ToString()));
            Assert.NotNull(result["conflictId"]);
        });
        Assert.All(answers, answer => Assert.Equal(201, (int)answer.Body["results"]![1]!["status"]!));
        Assert.Equal(11, (await phone.GetAsync("conflicts")).Body["conflicts"]!.AsArray().Count);
        Assert.Equal(13, (await phone.GetAsync("records/locker")).Body["records"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_parked_create_names_the_fields_and_becomes_a_record_by_a_merge_with_other_values()
    {
        var (phone, _, _) = await servers.A.WithRecordAsync("locker", """{"number":"7"}""");
        var id = NewId();
        var parked = await phone.WriteAsync("locker", "create", id, (0, """{"number":"7","colour":"red"}"""));
        Assert.Equal((409, "/problems/unique", null), (parked.Status, parked["type"], parked["current"]));
        AssertJson("""[{"path":"/number","rule":"review","yours":"7"}]""", parked.Body["conflicts"]!);
        var conflict = parked["conflictId"]!;
        Assert.Equal("unique", (await phone.GetAsync($"conflicts/{conflict}"))["kind"]);

        var still = await phone.ResolveAsync(conflict, """{"choice":"mine"}""", NoneYet);
        Assert.Equal((409, "/problems/unique", null), (still.Status, still["type"], still["conflictId"]));
        Assert.Equal("open", (await phone.GetAsync($"conflicts/{conflict}"))["state"]);

        var merged = await phone.ResolveAsync(conflict, """{"choice":"merge","patch":{"number":"8","colour":"red"}}""", NoneYet);
        Assert.Equal((201, "1"), (merged.Status, merged["record.rev"]));
        AssertJson("""{"number":"8","colour":"red"}""", (await phone.ReadAsync("locker", id)).Body["data"]!);
        Assert.Equal("resolved", (await phone.GetAsync($"conflicts/{conflict}"))["state"]);
    }

    [Fact]
    public async Task A_delete_and_an_edit_free_the_values_and_a_restore_takes_them_again()
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("locker", """{"number":"7"}""");
        await phone.WriteAsync("locker", "delete", id, (1, null));
        var second = NewId();
        Assert.Equal(201, (await phone.WriteAsync("locker", "create", second, (0, """{"number":"7"}"""))).Status);

        var taken = await phone.WriteAsync("locker", "restore", id, (2, null));
        Assert.Equal((409, "/problems/unique"), (taken.Status, taken["type"]));
        Assert.Equal(200, (await phone.WriteAsync("locker", "update", second, (1, """{"number":"8"}"""))).Status);
        var freed = await phone.ResolveAsync(taken["conflictId"]!, """{"choice":"mine"}""", ("If-Match", "\"rev-2\""));
        Assert.Equal((200, "false"), (freed.Status, freed["record.deleted"]));
    }

    [Fact]
    public async Task Put_and_a_strict_op_are_refused_stored_and_not_parked()
    {
        var (phone, _, _) = await servers.A.WithRecordAsync("locker", """{"number":"7"}""");
        var put = await PutAsync();
        Assert.Equal((409, "/problems/unique", null), (put.Status, put["type"], put["conflictId"]));
        Assert.Equal("/number", put.Body["errors"]![0]!["pointer"]!.ToString());
        var repeat = await PutAsync();
        Assert.Equal("true", repeat.Header("Idempotent-Replayed"));
        Assert.Equal(put.Bytes, repeat.Bytes);

        var other = NewId();
        await phone.WriteAsync("locker", "create", other, (0, """{"number":"8"}"""));
        var strict = await phone.WriteAsync("locker", "update", other, (null, """{"number":"7"}"""), ("If-Match", "\"rev-1\""));
        Assert.Equal((409, "/problems/unique", null, "1"), (strict.Status, strict["type"], strict["conflictId"], strict["current.rev"]));
        Assert.Empty((await phone.GetAsync("conflicts")).Body["conflicts"]!.AsArray());

        Task<Answer> PutAsync() =>
            phone.SendAsync(HttpMethod.Put, "records/locker/wanted", """{"number":"7"}""", ("Idempotency-Key", "put"), NoneYet);
    }

    [Fact]
    public async Task Several_fields_together_are_unique_and_absent_ones_are_free()
    {
        var (phone, _, _) = await servers.A.WithRecordAsync("locker", """{"holder":{"name":"ann"},"floor":1}""");
        Assert.Equal(201, await CreateAsync("""{"holder":{"name":"ann"},"floor":2}"""));
        Assert.Equal(201, await CreateAsync("""{"holder":{"name":"ann"}}"""));
        Assert.Equal(201, await CreateAsync("""{"holder":{"name":"ann"}}"""));
        Assert.Equal(409, await CreateAsync("""{"holder":{"name":"ann"},"floor":1.0}"""));

        async Task<int> CreateAsync(string data) => (await phone.WriteAsync("locker", "create", NewId(), (0, data))).Status;
    }

    [Fact]
    public async Task Two_records_swap_their_values_in_one_batch_by_way_of_a_free_one()
    {
        var (phone, _, first) = await servers.A.WithRecordAsync("locker", """{"number":"1"}""");
        var second = NewId();
        await phone.WriteAsync("locker", "create", second, (0, """{"number":"2"}"""));
        var swap = await phone.BatchAsync([
            Update(first, 1, """{"number":null}"""), Update(second, 1, """{"number":"1"}"""), Update(first, 2, """{"number":"2"}"""),
        ]);
        Assert.All(swap.Body["results"]!.AsArray(), result => Assert.Equal(200, (int)result!["status"]!));
        Assert.Equal(409, (await phone.WriteAsync("locker", "create", NewId(), (0, """{"number":"1"}"""))).Status);
        Assert.Equal(409, (await phone.WriteAsync("locker", "create", NewId(), (0, """{"number":"2"}"""))).Status);
    }

    [Fact]
    public async Task Spaces_do_not_share_values_and_an_erased_one_leaves_none()
    {
        var (phone, _, _) = await servers.A.WithRecordAsync("locker", """{"number":"7"}""");
        var (owner, space) = await phone.SharedAsync();
        Assert.Equal(201, (await owner.WriteAsync("locker", "create", NewId(), (0, """{"number":"7"}"""))).Status);
        Assert.Equal(1, await SpaceRequests.UniqueKeysAsync(space));
        Assert.Equal(204, (await phone.EraseSpaceAsync(space)).Status);
        Assert.Equal(0, await SpaceRequests.UniqueKeysAsync(space));
    }

    private static string Create(string data) => Op("create", NewId(), 0, data, entity: "locker");

    private static string Update(string id, long baseRev, string patch) => Op("update", id, baseRev, patch, entity: "locker");
}
