using Npgsql;

namespace SyncServer.Tests.Servers;

public class TestServersTests
{
    [Fact]
    public async Task Two_servers_listen_on_ports_of_their_own_beside_one_database()
    {
        Assert.NotEqual(TestServers.A.Address, TestServers.B.Address);
        using var alice = TestServers.A.As("alice");
        Assert.Equal("Bearer dev:alice", $"{alice.DefaultRequestHeaders.Authorization}");
        using var answer = await alice.GetAsync("/no-such-route");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
        await using var connection = new NpgsqlConnection(TestServers.ConnectionString);
        await connection.OpenAsync();
        Assert.True(connection.PostgreSqlVersion.Major >= 15);
    }
}
