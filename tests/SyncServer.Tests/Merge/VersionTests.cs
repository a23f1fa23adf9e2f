using SyncServer.Tests.Entities;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>Protocol 4.1: definitions grow, and clients of older versions keep working, also while a deployment runs.</summary>
public sealed class VersionTests : IAsyncLifetime, IDisposable
{
    private readonly DefinitionsFile first = new(
        """{"entities":{"plan":{"version":1,"fields":{"title":{"type":"string","required":true},"colour":{"type":"string","merge":"lww"}}}}}""");

    // The second version has a priority with a default, and knows no colour any more.
    private readonly DefinitionsFile second = new(
        """{"entities":{"plan":{"version":2,"fields":{"title":{"type":"string","required":true},"priority":{"type":"string","required":true,"default":"normal","merge":"lww"}}}}}""");

    private TestServer before = null!;
    private TestServer after = null!;

    public async Task InitializeAsync()
    {
        before = await TestServers.StartAsync($"--Sync:Entities={first.Path}");
        after = await TestServers.StartAsync($"--Sync:Entities={second.Path}");
    }

    public async Task DisposeAsync()
    {
        await before.DisposeAsync();
        await after.DisposeAsync();
    }

    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public async Task An_old_client_creates_at_the_new_server_and_the_default_is_filled_in()
    {
        var old = New(after);
        var id = NewId();
        Assert.Equal(201, (await old.PushAsync(Op("create", id, 0, """{"title":"a","colour":"red"}""", more: ""","schema":1""", entity: "plan"))).Status);
        AssertJson("""{"title":"a","colour":"red","priority":"normal"}""", (await old.ReadAsync("plan", id)).Body["data"]!);
    }

    [Fact]
    public async Task A_record_from_before_a_required_field_can_be_edited_by_old_and_new_clients()
    {
        var (old, current, id) = await before.WithRecordAsync("plan", """{"title":"a","colour":"red"}""");
        current = current.Other("tablet", after);
        Assert.Equal(200, (await current.WriteAsync("plan", "update", id, (1, """{"title":"b"}"""))).Status);
        Assert.Equal(200, (await old.Other("phone", after).WriteAsync("plan", "update", id, (1, """{"colour":"blue"}"""))).Status);
        Assert.Equal(200, (await current.WriteAsync("plan", "update", id, (3, """{"priority":"high"}"""))).Status);
        AssertJson("""{"title":"b","colour":"blue","priority":"high"}""", (await old.ReadAsync("plan", id)).Body["data"]!);
    }

    [Fact]
    public async Task Old_and_new_devices_write_one_record_side_by_side_and_keep_what_they_do_not_know()
    {
        var (old, _, id) = await after.WithRecordAsync("plan", """{"title":"a","priority":"high","colour":"red","future":{"deep":[1,null]}}""");
        var current = old.Other("tablet");
        var edited = await current.WriteAsync("plan", "update", id, (1, """{"priority":"low"}"""));
        var merged = await old.Other("phone", before).WriteAsync("plan", "update", id, (1, """{"title":"b","colour":"blue"}"""));
        Assert.Equal((200, 200, "merged"), (edited.Status, merged.Status, merged["result"]));

        Assert.Equal(200, (await old.WriteAsync("plan", "delete", id, (3, null))).Status);
        Assert.Equal(200, (await current.WriteAsync("plan", "restore", id, (4, null))).Status);
        var (changes, _) = await old.Other("phone", before).PullAllAsync();
        AssertJson("""{"title":"b","priority":"low","colour":"blue","future":{"deep":[1,null]}}""", changes.Single()["data"]!);
    }
}
