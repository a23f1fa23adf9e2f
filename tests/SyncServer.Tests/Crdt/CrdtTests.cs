using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using SyncServer.Tests.Merge;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Crdt;

/// <summary>Protocol 4.2 with a real CRDT library: the server never looks into an update, and documents converge through it.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class CrdtTests(DefinedServers servers)
{
    [Fact]
    public async Task Two_documents_edited_offline_converge_through_the_server()
    {
        var (phone, tablet, id) = await WithDocumentAsync("Milk and bread");
        var seen = await FieldAsync(phone, id);
        var mine = await YjsDocument.OfAsync(seen, new Edit(0, "Buy: "), new Edit(19, " today"));
        var theirs = await YjsDocument.OfAsync(seen, new Edit(4, ", eggs"));
        Assert.Equal(("Buy: Milk and bread today", "Milk, eggs and bread"), (mine.Text, theirs.Text));

        Assert.Equal(200, (await AppendAsync(tablet, id, theirs.Updates)).Status);
        Assert.Equal(200, (await AppendAsync(phone, id, mine.Updates)).Status);
        var merged = YjsDocument.UpdatesOf(await FieldAsync(phone, id));
        Assert.Equal(4, merged.Count);
        Assert.Equal("Buy: Milk, eggs and bread today", (await YjsDocument.OfAsync(merged)).Text);
        Assert.Equal("Buy: Milk, eggs and bread today", (await YjsDocument.OfAsync(Enumerable.Reverse(merged))).Text);
    }

    [Fact]
    public async Task Concurrent_compactions_and_an_edit_beside_them_lose_nothing()
    {
        var (phone, tablet, id) = await WithDocumentAsync("0");
        foreach (var _ in Enumerable.Range(1, 4))
        {
            var document = await YjsDocument.OfAsync(await FieldAsync(phone, id), new Edit(0, "."));
            Assert.Equal(200, (await AppendAsync(phone, id, document.Updates)).Status);
        }

        // The tablet has not seen everything that the phone has, and the watch only writes.
        var all = YjsDocument.UpdatesOf(await FieldAsync(phone, id));
        var older = all.Take(3).ToList();
        var phones = await YjsDocument.OfAsync(all, new Edit(0, "p"));
        var tablets = await YjsDocument.OfAsync(older, new Edit(0, "t"));
        var watch = await YjsDocument.OfAsync(all, new Edit(0, "w"));
        var answers = await Task.WhenAll(
            CompactAsync(phone, id, phones.Snapshot, all),
            CompactAsync(tablet.Other("tablet", servers.B), id, tablets.Snapshot, older),
            AppendAsync(phone.Other("watch", servers.B), id, watch.Updates));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));

        var left = YjsDocument.UpdatesOf(await FieldAsync(phone, id));
        Assert.Equal(new[] { phones.Snapshot, tablets.Snapshot, watch.Updates[0] }.Order(StringComparer.Ordinal), left.Order(StringComparer.Ordinal));
        Assert.Equal("....0ptw", string.Concat((await YjsDocument.OfAsync(left)).Text.Order()));
    }

    [Fact]
    public async Task Replaced_updates_stay_in_history()
    {
        var (phone, _, id) = await WithDocumentAsync("a");
        var first = YjsDocument.UpdatesOf(await FieldAsync(phone, id));
        var document = await YjsDocument.OfAsync(first, new Edit(1, "b"));
        Assert.Equal(200, (await CompactAsync(phone, id, document.Snapshot, first)).Status);
        var history = await phone.HistoryAsync("sheet", id);
        Assert.Contains(first[0], history.Body["history"]![0]!["changes"]!.ToJsonString().Replace("\\u002B", "+", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private async Task<(Device Phone, Device Tablet, string Id)> WithDocumentAsync(string text)
    {
        var document = await YjsDocument.OfAsync([], new Edit(0, text));
        return await servers.A.WithRecordAsync("sheet", $$"""{"crdt":{"updates":{{JsonSerializer.Serialize(document.Updates)}} } }""");
    }

    private static async Task<JsonNode> FieldAsync(Device device, string id) =>
        (await device.ReadAsync("sheet", id)).Body["data"]!["crdt"]!;

    private static Task<Answer> AppendAsync(Device device, string id, IReadOnlyList<string> updates) =>
        device.WriteAsync("sheet", "update", id, (null, new JsonObject
        {
            ["crdt"] = new JsonObject { ["$append"] = JsonSerializer.SerializeToNode(updates) },
        }.ToJsonString()));

    private static Task<Answer> CompactAsync(Device device, string id, string snapshot, IEnumerable<string> replaced) =>
        device.WriteAsync("sheet", "update", id, (null, new JsonObject
        {
            ["crdt"] = new JsonObject
            {
                ["$compact"] = new JsonObject
                {
                    ["snapshot"] = snapshot,
                    ["replaces"] = JsonSerializer.SerializeToNode(
                        replaced.Select(update => Convert.ToHexStringLower(SHA256.HashData(Convert.FromBase64String(update))))),
                },
            },
        }.ToJsonString()));
}
