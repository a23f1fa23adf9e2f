using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SyncServer.Accounts;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Accounts;

/// <summary>
/// A server on loopback with nothing but accounts and a few routes: <c>/who</c> names no policy, <c>/operators</c> and those below
/// ask for an operator, each in another way, <c>/open</c> lets everybody in.
/// </summary>
internal sealed class AccountsServer : IAsyncDisposable
{
    private sealed class ForAdmins : IAuthorizationRequirementData
    {
        public IEnumerable<IAuthorizationRequirement> GetRequirements() => [new RolesAuthorizationRequirement(["admin"])];
    }

    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private AccountsServer(WebApplication app)
    {
        _app = app;
        _client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public Lines Log => (Lines)_app.Services.GetRequiredService<ILoggerProvider>();

    /// <summary>With keys of all three kinds under <c>Auth:Keys</c>, in Production.</summary>
    public static Task<AccountsServer> WithKeysAsync(TimeProvider? time = null) => StartAsync("Production", StaticKeys(), time);

    public static Dictionary<string, string?> StaticKeys() => new()
    {
        ["Auth:Issuer"] = TokenForge.Issuer,
        ["Auth:Audience"] = TokenForge.Audience,
        ["Auth:Keys:0:Kid"] = "rsa",
        ["Auth:Keys:0:Alg"] = "RS256",
        ["Auth:Keys:0:Pem"] = TokenForge.Rsa.ExportSubjectPublicKeyInfoPem(),
        ["Auth:Keys:1:Kid"] = "ec",
        ["Auth:Keys:1:Alg"] = "ES256",
        ["Auth:Keys:1:Pem"] = TokenForge.Ec.ExportSubjectPublicKeyInfoPem(),
        ["Auth:Keys:2:Kid"] = "hmac",
        ["Auth:Keys:2:Alg"] = "HS256",
        ["Auth:Keys:2:Secret"] = Convert.ToBase64String(TokenForge.Secret),
    };

    /// <summary>In Development, where the loopback key set may be plain http.</summary>
    public static async Task<AccountsServer> WithProviderAsync(Provider provider, TimeSpan? minimum = null, TimeSpan? interval = null)
    {
        var server = await StartAsync("Development", new()
        {
            ["Auth:Issuer"] = TokenForge.Issuer,
            ["Auth:Audience"] = TokenForge.Audience,
            ["Auth:JwksUri"] = provider.Address,
            ["Auth:MinimumRefreshInterval"] = (minimum ?? TimeSpan.FromHours(1)).ToString(),
            ["Auth:RefreshInterval"] = (interval ?? TimeSpan.FromHours(1)).ToString(),
        });

        // The fetch of the start is over where it can succeed: a test that counts fetches would count it sooner or later.
        var feed = server._app.Services.GetRequiredService<JwksFeed>();
        await Patience.UntilAsync(() => !feed.IsEmpty || provider.Document is null, "the keys are fetched");
        return server;
    }

    public static async Task<AccountsServer> StartAsync(
        string environment, Dictionary<string, string?> settings, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        builder.Services.AddSingleton<ILoggerProvider, Lines>();
        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        builder.AddAccounts();
        var app = builder.Build();
        app.UseRouting();
        app.UseAccounts();
        app.MapGet("/who", (HttpContext context) => context.Caller().ToString());
        app.MapGet("/operators", (HttpContext context) => context.Caller().ToString()).RequireAuthorization(Policies.Operator);
        app.MapGet("/operators/policy", () => "in").WithMetadata(new AuthorizationPolicyBuilder().RequireRole("admin").Build());
        app.MapGet("/operators/requirement", () => "in").WithMetadata(new ForAdmins());
        app.MapGet("/open", () => "open").AllowAnonymous();
        try
        {
            await app.StartAsync();
            return new AccountsServer(app);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public Task<Answer> AskAsync(string? token, string path = "/who") =>
        SendAsync(path, token is null ? null : "Bearer " + token);

    public async Task<Answer> SendAsync(string path, string? authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        using var response = await _client.SendAsync(request);
        return new Answer(
            (int)response.StatusCode, string.Join(", ", response.Headers.WwwAuthenticate), await response.Content.ReadAsStringAsync(),
            response.Headers.RetryAfter);
    }

    /// <summary>Sends what an HttpClient would tidy up first, and returns the response as it came.</summary>
    public async Task<string> SendRawAsync(string request)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(_client.BaseAddress!.Host, _client.BaseAddress.Port);
        var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        return await reader.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }
}

/// <summary>What a test looks at in a response.</summary>
internal sealed record Answer(int Status, string Challenge, string Body, RetryConditionHeaderValue? RetryAfter)
{
    public static Answer Of(string principal, bool isOperator = false) => new(200, "", new Caller(principal, isOperator).ToString(), null);

    public static Answer Refused(string reason) =>
        new(401, $"Bearer error=\"invalid_token\", error_description=\"{reason}\"", "", null);
}

/// <summary>Every log line of a server, exceptions included.</summary>
internal sealed class Lines : ILoggerProvider, ILogger
{
    public ConcurrentQueue<string> All { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        All.Enqueue(formatter(state, exception) + exception);

    public void Dispose()
    {
    }
}

/// <summary>An identity provider on loopback that publishes a key set, or whatever a test wants it to answer.</summary>
internal sealed class Provider : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _fetches;

    private Provider(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single() + "/keys";

    public int Fetches => Volatile.Read(ref _fetches);

    /// <summary>What the next fetch gets; null is an outage.</summary>
    public volatile string? Document;

    public static async Task<Provider> StartAsync(string? document)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        var provider = new Provider(app) { Document = document };
        app.MapGet("/keys", provider.AnswerAsync);
        await app.StartAsync();
        return provider;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _fetches);
        context.Response.StatusCode = Document is null ? (int)HttpStatusCode.InternalServerError : (int)HttpStatusCode.OK;
        await context.Response.WriteAsync(Document ?? "");
    }
}

/// <summary>A clock that stands still and is set by hand, at a full second first.</summary>
internal sealed class StandingClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = DateTimeOffset.FromUnixTimeSeconds(System.GetUtcNow().ToUnixTimeSeconds());

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>The system's clock, set forward by hand.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
}
