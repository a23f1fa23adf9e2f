using SyncServer.Tests.Pull;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Checksums;

/// <summary>Whatever is written, and in whatever order, the sums that writes keep are those of what is there.</summary>
public sealed class RandomWritesTests
{
    private const int Seeds = 12;
    private const int Steps = 40;

    private static readonly string[] Entities = ["note", "task", "Long-entity_name"];

    public static TheoryData<int> Worlds => [.. Enumerable.Range(1, Seeds)];

    [Theory]
    [MemberData(nameof(Worlds))]
    public async Task Sums_kept_by_writes_are_those_of_a_local_store_and_of_the_table(int seed)
    {
        var random = new Random(seed);
        var phone = New(seed % 2 == 0 ? TestServers.A : TestServers.B);
        Device[] devices = [phone, phone.Other("tablet", TestServers.A), phone.Other("watch", TestServers.B)];
        var statuses = new HashSet<int>();
        var highest = 0UL;
        for (var step = 0; step < Steps; step++)
        {
            var device = devices[random.Next(devices.Length)];
            var answer = random.Next(4) > 0
                ? await device.BatchAsync(Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomOp(random)), random.Next(8) == 0 ? ",\"atomic\":true" : "")
                : await ResolveAsync(device, random);
            statuses.UnionWith(answer.Body["results"]?.AsArray().Select(result => (int)result!["status"]!) ?? [answer.Status]);
            if (step % 8 == 0 || step == Steps - 1)
            {
                highest = Math.Max(highest, await CompareAsync(phone));
            }
        }

        Assert.Superset(new HashSet<int> { 200, 201, 409 }, statuses);
        Assert.True(highest > long.MaxValue, "No sum was beyond 2^63.");
    }

    /// <summary>The largest sum of those that were compared.</summary>
    private static async Task<ulong> CompareAsync(Device phone)
    {
        var store = await LocalStore.OfAsync(phone);
        var served = (await phone.GetAsync("sync/checksums")).Body["entities"]!.AsObject();
        Assert.Equal(await LocalStore.RecomputedAsync(await PullTests.SpaceIdAsync(phone)), served.ToJsonString());
        Assert.Equal(store.Entities(), served.ToJsonString());
        var buckets = await phone.GetAsync($"sync/checksums?{string.Join('&', Entities.Append("%24conflict").Select(entity => $"entity={entity}"))}");
        Assert.Equal(store.Entities([.. Entities, "$conflict"]), buckets.Body["entities"]!.ToJsonString());
        return served.Select(entity => Convert.ToUInt64(entity.Value!["sum"]!.ToString(), 16)).DefaultIfEmpty().Max();
    }

    /// <summary>On few ids and old revisions, so that ops merge, agree, conflict, delete and restore.</summary>
    private static string RandomOp(Random random)
    {
        var kind = random.GetItems<string>(["create", "create", "update", "update", "update", "delete", "restore"], 1)[0];
        var baseRev = kind == "create" ? 0 : random.Next(1, 6);
        var patch = kind is "create" or "update" ? $$"""{"{{(char)('a' + random.Next(3))}}":{{random.Next(4)}}}""" : null;
        return Op(kind, $"r{random.Next(4)}", baseRev, patch, entity: Entities[random.Next(Entities.Length)]);
    }

    private static async Task<Answer> ResolveAsync(Device device, Random random)
    {
        var open = (await device.GetAsync("conflicts")).Body["conflicts"]!.AsArray();
        if (open.Count == 0)
        {
            return await device.PushAsync(RandomOp(random));
        }

        var conflict = open[random.Next(open.Count)]!;
        var choice = random.GetItems<string>(["""{"choice":"mine"}""", """{"choice":"theirs"}""", """{"choice":"merge","patch":{"d":1}}"""], 1)[0];
        var precondition = conflict["current"] is { } current ? ("If-Match", $"\"rev-{current["rev"]}\"") : ("If-None-Match", "*");
        return await device.SendAsync(HttpMethod.Post, $"conflicts/{conflict["conflictId"]}/resolution", choice, ("Idempotency-Key", NewId()), precondition);
    }
}
