using Npgsql;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Those who may not write to a space neither wait for it nor make others wait.</summary>
public sealed class SpaceAccessTests
{
    [Fact]
    public async Task Outsiders_and_readers_are_refused_while_a_space_is_locked()
    {
        var (owner, space) = await New().SharedAsync();
        var reader = await owner.MemberAsync(space, "reader");
        var outsider = New().In(space);
        await outsider.In("me").PullAsync();
        await using var locked = await LockAsync(space);

        var strange = await outsider.PushAsync("create", NewId(), 0, "{}");
        Assert.Equal((404, "/problems/not-found"), (strange.Status, strange["type"]));
        var read = await reader.PushAsync("create", NewId(), 0, "{}");
        Assert.Equal((403, "/problems/forbidden"), (read.Status, read["type"]));
        Assert.Equal(404, (await outsider.PutMemberAsync("bob", "reader")).Status);
        Assert.Equal(403, (await reader.PutMemberAsync("bob", "reader")).Status);
        Assert.Equal(404, (await outsider.EraseSpaceAsync(space)).Status);
        Assert.Equal(403, (await reader.EraseSpaceAsync(space)).Status);
    }

    /// <summary>Holds the space's row until it is disposed.</summary>
    private static async Task<NpgsqlConnection> LockAsync(string space)
    {
        var connection = new NpgsqlConnection(TestServers.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("BEGIN", connection);
        await command.ExecuteNonQueryAsync();
        command.CommandText = "SELECT 1 FROM spaces WHERE space_id = $1 FOR UPDATE";
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(space) });
        Assert.Equal(1, await command.ExecuteScalarAsync());
        return connection;
    }
}
