using Microsoft.AspNetCore.Builder;

namespace SyncServer.Tests.Servers;

/// <summary>
/// What all tests of the run share: one database, and two servers on it. Each is started by the first test that asks and
/// stopped by <see cref="StoppingTestFramework"/> after the last one. Tests keep apart by making their own spaces.
/// </summary>
public static class TestServers
{
    private static readonly Lazy<TestDatabase> database = new(() => Task.Run(TestDatabase.StartAsync).GetAwaiter().GetResult());
    // This one trusts at once what it wrote itself, so that whatever is tested here is tested without locks too.
    private static readonly Lazy<TestServer> a = new(() => StartShared("--Push:QuietWrites=1"));
    private static readonly Lazy<TestServer> b = new(() => StartShared());

    public static string ConnectionString => database.Value.ConnectionString;

    public static TestServer A => a.Value;

    /// <summary>Another instance on the same database.</summary>
    public static TestServer B => b.Value;

    /// <summary>A further instance with settings of its own (<c>--Key:Sub=value</c>), for the test to dispose.</summary>
    public static Task<TestServer> StartAsync(params string[] settings) => TestServer.StartAsync(ConnectionString, settings);

    /// <summary>A further instance with code of its own, for example rules.</summary>
    public static Task<TestServer> StartAsync(Action<WebApplicationBuilder> configure, params string[] settings) =>
        TestServer.StartAsync(ConnectionString, configure, settings);

    internal static async Task StopAsync()
    {
        foreach (var server in new[] { a, b }.Where(server => server.IsValueCreated))
        {
            await server.Value.DisposeAsync();
        }
        if (database.IsValueCreated)
        {
            await database.Value.DisposeAsync();
        }
    }

    private static TestServer StartShared(params string[] settings) => Task.Run(() => StartAsync(settings)).GetAwaiter().GetResult();
}
