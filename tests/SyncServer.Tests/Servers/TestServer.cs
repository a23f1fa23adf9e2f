using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;

namespace SyncServer.Tests.Servers;

/// <summary>A server of its own on a loopback port, in this process.</summary>
public sealed class TestServer : IAsyncDisposable
{
    // What takes longer is stuck in production; on a busy machine a test may have to wait. A test of a timeout sets its own.
    private static readonly string[] Patient =
    [
        $"--Database:LockTimeout={Patience.Whole}", $"--Database:StatementTimeout={2 * Patience.Whole}",
        $"--Database:IdleInTransactionTimeout={2 * Patience.Whole}",
    ];

    // Latin-1, so that tests may send what no client should.
    private readonly SocketsHttpHandler handler = new() { RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1 };

    private TestServer(WebApplication app) => App = app;

    public WebApplication App { get; }

    public Uri Address => new(App.Urls.First());

    /// <param name="connectionString">The database, shared with every other server of the run.</param>
    /// <param name="settings">More configuration, as <c>--Key:Sub=value</c>; it wins.</param>
    public static Task<TestServer> StartAsync(string connectionString, params string[] settings) =>
        StartAsync(connectionString, configure: null, settings);

    /// <inheritdoc cref="StartAsync(string, string[])"/>
    /// <param name="configure">What a C# developer adds in code.</param>
    public static async Task<TestServer> StartAsync(
        string connectionString, Action<WebApplicationBuilder>? configure, params string[] settings)
    {
        var server = new TestServer(ServerHost.Build(
        [
            "--urls", "http://127.0.0.1:0",
            "--environment", "Development",
            $"--ConnectionStrings:Sync={connectionString}",
            "--Database:MigrateOnStart=true",
            "--Logging:LogLevel:Default=Warning",
            .. Patient,
            .. settings,
        ], configure));
        await server.App.StartAsync();
        return server;
    }

    /// <summary>Speaks as the principal; <c>alice:admin</c> speaks as an operator. Connections are shared.</summary>
    public HttpClient As(string principal)
    {
        var client = Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", $"dev:{principal}");
        return client;
    }

    /// <summary>Without a token.</summary>
    public HttpClient Anonymous() => new(handler, disposeHandler: false) { BaseAddress = Address, Timeout = Patience.Whole };

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        handler.Dispose();
    }
}
