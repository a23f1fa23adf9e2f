using SyncServer.Tests.Entities;
using SyncServer.Tests.Merge;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Unique values that are looked up while ops are decided: how they are answered does not depend on when it was known that they matter.</summary>
// A server that starts with unique values brings all spaces to its definitions, which ends the trust in each of them.
[Collection(DefinedServersCollection.Name)]
public sealed class UniqueRoundTests
{
    private const string Definitions = """
        {"entities":{
          "locker":{"fields":{"number":{}},"unique":[["number"]]},
          "ticket":{"fields":{"status":{"type":"string","transitions":{"open":["doing"],"doing":["done"],"done":[]}}}}}}
        """;

    [Theory]
    [InlineData(""","atomic":true""")]
    [InlineData(""","atomic":true,"dryRun":true""")]
    public async Task An_atomic_batch_fails_at_its_first_op_at_fault_also_where_that_takes_a_value_that_another_has(string flags)
    {
        await using var held = await StartAsync();
        var phone = New(held.Server);
        await phone.BatchAsync([Locker("7", "first"), Op("create", "task", 0, """{"status":"open"}""", entity: "ticket")]);
        var answer = await phone.BatchAsync([Locker("7", "second"), Op("update", "task", 1, """{"status":"done"}""", entity: "ticket")], flags);
        Assert.Equal("409 /problems/unique, 424 /problems/batch-failed", Results(answer));
        Assert.Equal(["first", "task"], await IdsAsync(phone));
    }

    [Fact]
    public async Task Pushes_that_share_a_group_are_each_answered_by_their_own_values()
    {
        await using var held = await StartAsync();
        var phone = New(held.Server, "");
        await phone.BatchAsync(Enumerable.Range(0, 6).Select(i => Locker($"{i}", $"has-{i}")));
        await held.HoldAsync();
        var pushes = new List<Task<Answer>>();
        foreach (var number in new[] { "0", "1", "2", "3", "4", "5", "free" })
        {
            // Each takes a value only because the one before it could not be made.
            pushes.Add(await held.QueueAsync(() => phone.PushAsync(Locker(number, "wanted"))));
        }

        await held.ReleaseAsync();
        Assert.Equal([409, 409, 409, 409, 409, 409, 201], (await Task.WhenAll(pushes)).Select(answer => answer.Status));
        Assert.Equal("free", (await phone.GetAsync("records/locker/wanted"))["data.number"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","dryRun":true""")]
    public async Task A_push_whose_ops_ask_for_values_one_after_the_other_is_answered_within_a_bound_and_refused_beyond_it(string flags)
    {
        await using var held = await StartAsync();
        var phone = New(held.Server, "");
        await phone.BatchAsync(Enumerable.Range(0, 9).Select(i => Locker($"{i}", $"has-{i}")));
        var beyond = await phone.BatchAsync(Enumerable.Range(0, 9).Select(i => Locker($"{i}", "wanted")), flags);
        Assert.Equal((429, "/problems/too-many-requests", true), (beyond.Status, beyond["type"], beyond.Header("Retry-After") is not null));
        Assert.Equal(9, (await IdsAsync(phone)).Length);
        var within = await phone.BatchAsync(Enumerable.Range(0, 8).Select(i => Locker($"{i}", "wanted")), flags);
        Assert.Equal(string.Join(", ", Enumerable.Repeat("409 /problems/unique", 8)), Results(within));
    }

    private static async Task<HeldServer> StartAsync()
    {
        using var file = new DefinitionsFile(Definitions);
        return await HeldServer.StartAsync($"--Sync:Entities={file.Path}");
    }

    private static string Locker(string number, string id) => Op("create", id, 0, $$"""{"number":"{{number}}"}""", entity: "locker");

    private static string Results(Answer batch) =>
        string.Join(", ", batch.Body["results"]!.AsArray().Select(result => $"{result!["status"]} {result["type"]}"));

    private static async Task<string[]> IdsAsync(Device device) =>
        [.. (await device.PullAllAsync()).Changes.Select(change => change["id"]!.ToString())];
}
