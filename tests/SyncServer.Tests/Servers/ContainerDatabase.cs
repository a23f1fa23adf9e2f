using Testcontainers.PostgreSql;

namespace SyncServer.Tests.Servers;

/// <summary>The same suite against a container; compiled with <c>-p:WithTestcontainers=true</c> only.</summary>
internal static class ContainerDatabase
{
    private const string Image = "postgres:18";

    public static async Task<TestDatabase> StartAsync()
    {
        // The suite's servers have a connection pool each, beyond PostgreSQL's default of 100 together.
        var container = new PostgreSqlBuilder(Image).WithDatabase("sync").WithCommand("-c", "max_connections=200").Build();
        await container.StartAsync();
        return new TestDatabase(container.GetConnectionString(), container);
    }
}
