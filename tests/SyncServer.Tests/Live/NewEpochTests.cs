using SyncServer.Storage;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary>A new epoch under those who wait, on databases of their own: an epoch is everybody's.</summary>
public sealed class NewEpochTests
{
    [Theory]
    [InlineData("command")]
    [InlineData("proof")]
    [InlineData("start")]
    public async Task A_new_epoch_ends_streams_and_waits_where_no_head_has_moved(string cause)
    {
        await using var database = await ScratchDatabase.CreateAsync();
        await using var a = await TestServer.StartAsync(database.ConnectionString, LiveServers.NoCheck);
        await using var b = await TestServer.StartAsync(database.ConnectionString, LiveServers.NoCheck);
        var phone = New(a);
        Assert.Equal(201, (await phone.PushAsync("create", "n1", 0, "{}")).Status);
        await using var near = await LiveStream.OpenAsync(phone);
        await using var far = await LiveStream.OpenAsync(phone.Other("tv", b), "?cursor=now");
        var cursor = (await near.EventAsync())!.Id;
        Assert.Equal("changes", (await far.EventAsync())!.Event);
        Task<Answer>[] waits = [.. new[] { a, b }.Select(server => phone.Other("tablet", server).GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=50")))];
        await a.OpenAsync(1, 1);
        await b.OpenAsync(1, 1);

        await EndEpochAsync(database, a, cause);
        var epoch = Assert.Single(await database.LinesAsync("SELECT epoch FROM server"));
        foreach (var stream in new[] { near, far })
        {
            var told = (await stream.EventAsync())!;
            Assert.Equal(("resync", null, "epoch", epoch), (told.Event, told.Id, told.Json["reason"]!.ToString(), told.Json["epoch"]!.ToString()));
            await stream.EndAsync();
        }

        Assert.All(await Task.WhenAll(waits), wait => Assert.Equal((410, "epoch", epoch), (wait.Status, wait["reason"], wait["epoch"])));
    }

    private static async Task EndEpochAsync(ScratchDatabase database, TestServer server, string cause)
    {
        if (cause == "command")
        {
            await using var command = ServerHost.Build([$"--ConnectionStrings:Sync={database.ConnectionString}", "--environment", "Development"]);
            Assert.Equal(0, await StorageCommands.TryRunAsync(["new-epoch"], command.Services));
        }
        else if (cause == "proof")
        {
            // The space of somebody else has lost a change that its cursor knows of.
            var other = New(server);
            Assert.Equal(201, (await other.PushAsync("create", "lost", 0, "{}")).Status);
            var (_, ahead) = await other.PullAllAsync();
            await database.LinesAsync($"""
                WITH gone AS (DELETE FROM changes WHERE space_id = (SELECT space_id FROM accounts WHERE principal = '{other.Principal}') RETURNING space_id)
                UPDATE spaces SET head = 0 FROM gone WHERE spaces.space_id = gone.space_id RETURNING ''
                """);
            Assert.Equal("ahead", (await other.PullAsync($"?cursor={ahead}"))["reason"]);
        }
        else
        {
            await database.LinesAsync("UPDATE server SET timeline = timeline + 7 RETURNING ''");
            await using var third = await TestServer.StartAsync(database.ConnectionString);
        }
    }
}
