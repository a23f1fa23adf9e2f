using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Display;
using SyncServer.Core;
using SyncServer.Accounts;
using SyncServer.Http;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Http;

/// <summary>The HTTP pieces alone, on a port of their own, with routes that fail in every way. No database.</summary>
public sealed class HttpProbe : IAsyncLifetime, ILoggerProvider, ILogEventSink
{
    public const int BodyMax = 1_000;

    /// <summary>Several times what Kestrel holds of a body that nobody takes.</summary>
    public const int LargeBodyMax = 4 * 1024 * 1024;
    public const string Secret = "what-the-user-typed";

    private readonly ConcurrentQueue<string> lines = new();
    private readonly SemaphoreSlim written = new(0);
    private readonly TaskCompletionSource waits = new();
    private WebApplication? app;

    public HttpClient Client { get; private set; } = new();

    public IReadOnlyCollection<string> LogLines => lines;

    /// <summary>Ends when the one request to the route that waits has reached it.</summary>
    public Task Waits => waits.Task;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Serilog:MinimumLevel"] = "Fatal",
            ["Sync:RateLimit:PermitsPerSecond"] = "0.01",
            ["Sync:RateLimit:Burst"] = "3",
        });
        builder.AddHttp(new Limits());
        // Every line, whichever way it comes: the request log's goes to Serilog, all others through the framework too.
        builder.Services.AddSingleton<Serilog.ILogger>(new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(this).CreateLogger());
        builder.Logging.AddProvider(this);
        builder.Logging.AddFilter<HttpProbe>("Microsoft", LogLevel.Warning);
        app = builder.Build();
        app.UseHttp();
        app.Use((context, next) =>
        {
            if (context.Request.Headers["Probe-Principal"].ToString() is { Length: > 0 } principal)
            {
                context.User = new Caller(principal, IsOperator: false).ToClaims("probe");
            }

            return next(context);
        });
        app.UseRateLimits();
        MapRoutes(app);
        await app.StartAsync();
        // A client that lost patience would send a body that nobody has asked for.
        var handler = new SocketsHttpHandler { Expect100ContinueTimeout = Patience.Whole };
        Client = new HttpClient(handler) { BaseAddress = new Uri(app.Urls.Single()), Timeout = Patience.Whole };
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    /// <summary>The first log line that contains <paramref name="part"/>, as soon as it is written.</summary>
    public async Task<string> LineAsync(string part)
    {
        using var patience = new CancellationTokenSource(Patience.Whole);
        while (true)
        {
            if (lines.FirstOrDefault(line => line.Contains(part, StringComparison.Ordinal)) is { } found)
            {
                return found;
            }

            await written.WaitAsync(patience.Token);
        }
    }

    public async Task<(HttpResponseMessage Response, JsonElement Problem)> ProblemAsync(HttpRequestMessage request)
    {
        var response = await Client.SendAsync(request);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
        return (response, JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync()).RootElement);
    }

    /// <summary>Sends bytes as they are and reads until the server closes.</summary>
    public async Task<string> RawAsync(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", Client.BaseAddress!.Port);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    Microsoft.Extensions.Logging.ILogger ILoggerProvider.CreateLogger(string categoryName) => new Lines(this, categoryName);

    void ILogEventSink.Emit(LogEvent logEvent)
    {
        using var line = new StringWriter();
        new MessageTemplateTextFormatter("{Level} {SourceContext}: {Message:lj} {Exception}").Format(logEvent, line);
        Add(line.ToString());
    }

    void IDisposable.Dispose() => written.Dispose();

    private void MapRoutes(WebApplication app)
    {
        app.MapGet("/v1/ok", () => "fine");
        app.MapGet("/plain", () => "fine");
        app.MapGet("/health/live", () => "fine");
        app.MapGet("/v1/vary", (HttpResponse response) => { response.Headers.Vary = "Accept-Encoding"; return "fine"; });
        app.MapGet("/v1/bound", (int number) => number);
        app.MapGet("/v1/op", (HttpContext context) => { RequestLog.SetOpId(context, "op-7"); return "fine"; });
        app.MapMethods("/v1/body", ["POST", "PATCH"], (HttpContext context) => EchoAsync(context, BodyMax));
        app.MapPost("/v1/large", (HttpContext context) => EchoAsync(context, LargeBodyMax));
        app.MapPost("/v1/unread", () => Results.Unauthorized());
        app.MapPost("/v1/raw", async (HttpContext context) => await context.Request.Body.CopyToAsync(Stream.Null));
        app.MapGet("/v1/status/{status:int}", (int status) => Results.StatusCode(status));
        app.MapGet("/v1/key", (HttpContext context) => IdempotencyKey.Require(context.Request.Headers, out var key) is { } refused
            ? Problems.WriteAsync(context, refused)
            : context.Response.WriteAsync(key));
        app.MapMethods("/v1/rejected", ["GET", "HEAD"], (HttpContext context) =>
        {
            context.Response.Headers.ETag = RecordETag.Format(42);
            return Problems.WriteAsync(
                context,
                Rejection.At("/patch/title", "Too \"long\" für <b>.", ErrorCode.Rejected),
                json => json.WriteString("opId", "op-1"));
        });
        app.MapGet("/v1/throws/{what}", (string what) => Throw(what));
        app.MapGet("/v1/breaks-off", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("half");
            await context.Response.Body.FlushAsync();
            throw new InvalidOperationException(Secret);
        });
        app.MapGet("/v1/waits", (HttpContext context) =>
        {
            waits.SetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
    }

    private static async Task EchoAsync(HttpContext context, int maxBytes)
    {
        var mediaType = HttpMethods.IsPatch(context.Request.Method) ? RequestBody.MergePatch : RequestBody.Json;
        var (body, rejection) = await RequestBody.ReadAsync(context, maxBytes, mediaType);
        await (rejection is null
            ? context.Response.BodyWriter.WriteAsync(body).AsTask()
            : Problems.WriteAsync(context, rejection));
    }

    private static string Throw(string what) => throw (what switch
    {
        "bug" => new InvalidOperationException(Secret, new FormatException(Secret)),
        "refused" => new NpgsqlException(Secret, new SocketException()),
        "timeout" => new TimeoutException(Secret),
        "canceled" => new OperationCanceledException(Secret),
        "wrapped" => new InvalidOperationException(Secret, new PostgresException(Secret, "ERROR", "ERROR", "40001")),
        _ => new PostgresException(Secret, "ERROR", "ERROR", what),
    });

    private void Add(string line)
    {
        lines.Enqueue(line);
        written.Release();
    }

    private sealed class Lines(HttpProbe probe, string category) : Microsoft.Extensions.Logging.ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            probe.Add($"{logLevel} {category}: {formatter(state, exception)} {exception}");
    }
}
