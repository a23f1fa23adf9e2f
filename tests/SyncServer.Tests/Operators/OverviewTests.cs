using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Operators;

/// <summary><c>GET /v1/admin/overview</c>.</summary>
public sealed class OverviewTests
{
    [Fact]
    public async Task Only_operators_see_it()
    {
        Assert.Equal(403, (await New().GetAsync("/v1/admin/overview")).Status);
        Assert.Equal(403, (await New().SendAsync(HttpMethod.Head, "/v1/admin/overview")).Status);
        using var nobody = TestServers.A.Anonymous();
        using var answer = await nobody.GetAsync("/v1/admin/overview");
        Assert.Equal(401, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Its_figures_are_exact_after_a_known_workload_and_after_a_restart()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        string before, shared;
        await using (var server = await TestServer.StartAsync(database.ConnectionString))
        {
            shared = await WorkAsync(server);
            before = await FiguresAsync(server);
        }

        await using var restarted = await TestServer.StartAsync(database.ConnectionString);
        var after = await FiguresAsync(restarted);
        AssertJson("""
            {"spaces":2,"records":3,"changes":11,
             "idempotency":{"storedKeys":11,"replays":6,"reusedKeys":4},"retention":{"purgedChanges":0},
             "conflicts":{"parked":3,"open":2,"resolved":0,"merged":1,"byEntity":{
               "note":{"applied":5,"refused":0,"records":3,"parked":3,"open":2,"resolved":0,"merged":1}}}}
            """, JsonNode.Parse(after)!);
        Assert.Equal(before, after);
        Assert.Equal(["11"], await database.LinesAsync("SELECT count(*)::text FROM outcomes"));
        Assert.Equal(["11"], await database.LinesAsync("SELECT count(*)::text FROM changes"));

        AssertJson("""
            {"spaces":1,"records":0,"changes":2,"idempotency":{"storedKeys":1,"replays":1,"reusedKeys":1},
             "retention":{"purgedChanges":0,"tombstoneHorizon":0,"historyHorizon":0},
             "conflicts":{"parked":0,"open":0,"resolved":0,"merged":0,"byEntity":{}}}
            """, JsonNode.Parse(await FiguresAsync(restarted, $"?space={shared}"))!);
    }

    [Fact]
    public async Task What_is_erased_is_in_no_figure()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await using var server = await TestServer.StartAsync(database.ConnectionString);
        await WorkAsync(server);
        Assert.Equal(204, (await new Device(server, "alice", "phone").EraseSpaceAsync("me")).Status);
        Assert.Equal((await database.LinesAsync("SELECT count(*)::text FROM outcomes"))[0],
            JsonNode.Parse(await FiguresAsync(server))!["idempotency"]!["storedKeys"]!.ToString());
    }

    [Fact]
    public async Task A_filter_names_a_space_that_there_is()
    {
        var operators = new Device(TestServers.A, Somebody() + ":admin", "desk");
        Assert.Equal(400, (await operators.GetAsync("/v1/admin/overview?space=x")).Status);
        Assert.Equal(404, (await operators.GetAsync($"/v1/admin/overview?space={Guid.NewGuid()}")).Status);
        var whole = await operators.GetAsync("/v1/admin/overview");
        Assert.Equal((200, (await operators.GetAsync("/v1/session"))["epoch"]), (whole.Status, whole["epoch"]));
        Assert.NotNull(whole["version"]);
    }

    /// <summary>Eleven keys: nine of ops, one of a space, one of a member; six replays, four reused keys.</summary>
    private static async Task<string> WorkAsync(TestServer server)
    {
        var phone = new Device(server, "alice", "phone");
        var tablet = phone.Other("tablet");
        var first = Op("create", "n1", 0, """{"a":1,"b":1}""", opId: "o1");
        await phone.PushAsync(first);
        await phone.PushAsync("create", "n2", 0, """{"a":1}""");
        await phone.PushAsync("create", "n3", 0, """{"a":1}""");
        await tablet.PushAsync("update", "n1", 1, """{"a":2}""");
        await phone.PushAsync("update", "n1", 1, """{"b":2}""");
        await tablet.PushAsync("update", "n2", 1, """{"a":2}""");

        var parked = Op("update", "n1", 1, """{"a":3}""", opId: "o2");
        await phone.PushAsync(parked);
        await phone.PushAsync("update", "n1", 1, """{"a":4}""");
        await phone.PushAsync("create", "n2", 0, """{"a":9}""");

        Assert.Equal((200, 409), ((await phone.BatchAsync([first, first, parked])).Status, (await phone.PushAsync(parked)).Status));
        Assert.Equal((422, 422), (
            (await phone.PushAsync(Op("delete", "n1", 1, opId: "o1"))).Status,
            (await phone.PushAsync(Op("delete", "n1", 1, opId: "o2"))).Status));
        Assert.Equal((404, 428), ((await phone.PushAsync("update", "none", 1, "{}")).Status, (await phone.PushAsync("update", "n1", null, """{"a":5}""")).Status));

        var shared = (await phone.CreateSpaceAsync("""{"name":"Team"}""", "k1"))["id"]!;
        Assert.Equal("true", (await phone.CreateSpaceAsync("""{"name":"Team"}""", "k1")).Header("Idempotent-Replayed"));
        Assert.Equal(422, (await phone.CreateSpaceAsync("""{"name":"Other"}""", "k1")).Status);
        var owner = phone.In(shared);
        Assert.Equal(201, (await owner.PutMemberAsync("bob", "reader", "k1")).Status);
        Assert.Equal("true", (await owner.PutMemberAsync("bob", "reader", "k1")).Header("Idempotent-Replayed"));
        Assert.Equal(422, (await owner.PutMemberAsync("bob", "writer", "k1")).Status);
        return shared;
    }

    /// <summary>The answer without what changes from moment to moment.</summary>
    private static async Task<string> FiguresAsync(TestServer server, string query = "")
    {
        var body = (await new Device(server, "alice:admin", "desk").GetAsync("/v1/admin/overview" + query)).Body.AsObject();
        foreach (var name in new[] { "epoch", "version", "serverTime" })
        {
            Assert.True(body.Remove(name), name);
        }

        return body.ToJsonString();
    }
}
