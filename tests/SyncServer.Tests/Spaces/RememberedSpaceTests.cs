using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Spaces;

/// <summary><c>me</c> is remembered by each server, and moves when it is erased at any of them.</summary>
public sealed class RememberedSpaceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_route_finds_the_new_personal_space_after_the_old_one_was_erased_at_another_server(bool pushesFirst)
    {
        var here = New();
        var there = here.Other("tablet", TestServers.B);
        var id = NewId();
        Assert.Equal(201, (await here.PushAsync("create", id, 0, "{}")).Status);
        var old = (await here.PullAllAsync()).Cursor;
        Assert.Equal(204, (await there.EraseSpaceAsync("me")).Status);

        if (!pushesFirst)
        {
            // The old id is still in memory here: neither a 404 nor the old space, and its cursors are none of the new one.
            Assert.Equal((400, "/problems/invalid-cursor"), await StatusAsync(here.PullAsync($"?cursor={old}")));
        }

        Assert.Equal(201, (await here.PushAsync("create", id, 0, "{}")).Status);
        Assert.Equal(id, (await there.PullAllAsync()).Changes.Single()["id"]!.ToString());
    }

    [Fact]
    public async Task A_cursor_of_the_new_personal_space_is_good_where_the_old_one_is_remembered()
    {
        var here = New();
        var there = here.Other("tablet", TestServers.B);
        await here.PullAllAsync();
        Assert.Equal(204, (await there.EraseSpaceAsync("me")).Status);
        var (_, cursor) = await there.PullAllAsync();
        Assert.Equal(200, (await here.PullAsync($"?cursor={cursor}")).Status);
    }

    [Theory]
    [InlineData("sync/changes")]
    [InlineData("records/note")]
    [InlineData("conflicts")]
    [InlineData("members")]
    public async Task A_read_of_me_is_no_404_after_another_server_erased_it(string path)
    {
        var here = New();
        Assert.Equal(200, (await here.GetAsync(path)).Status);
        Assert.Equal(200, (await here.PullAsync()).Status);
        Assert.Equal(204, (await here.Other("tablet", TestServers.B).EraseSpaceAsync("me")).Status);
        Assert.Equal(200, (await here.GetAsync(path)).Status);
    }

    private static async Task<(int Status, string? Type)> StatusAsync(Task<Answer> answering)
    {
        var answer = await answering;
        return (answer.Status, answer["type"]);
    }
}
