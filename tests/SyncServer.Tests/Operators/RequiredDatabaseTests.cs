using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using SyncServer.Storage.Embedded;

namespace SyncServer.Tests.Operators;

public sealed class RequiredDatabaseTests
{
    [Fact]
    public async Task Where_the_embedded_database_is_off_a_missing_connection_string_is_named()
    {
        var refusal = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync(connectionString: ""));
        Assert.StartsWith("ConnectionStrings:Sync is not set, and Postgres:Embedded is false", refusal.Message);
    }

    [Fact]
    public async Task Where_the_embedded_database_is_off_a_given_one_is_used() =>
        Assert.Null(await StartAsync(connectionString: "Host=db.example.com"));

    private static Task<EmbeddedPostgres?> StartAsync(string connectionString)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Postgres:Embedded"] = "false",
            ["ConnectionStrings:Sync"] = connectionString,
        }).Build();
        return EmbeddedPostgres.StartUnlessConfiguredAsync(configuration, NullLogger.Instance, CancellationToken.None);
    }
}
