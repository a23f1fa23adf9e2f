using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Serilog.Events;
using Serilog.Parsing;

namespace SyncServer.Http;

/// <summary>
/// One log line per request. Probes are logged at Debug, server errors at Warning. The line goes to Serilog as it is: on the way
/// through <see cref="ILogger"/>, which decides about levels alone, each member would be wrapped and unwrapped again.
/// </summary>
internal sealed class RequestLog(RequestDelegate next, ILogger<RequestLog> levels, Serilog.ILogger log)
{
    /// <summary>Bytes of a principal's hash in the log: enough to tell principals apart, and no name.</summary>
    private const int PrincipalHashBytes = 8;

    private static readonly object OpIdKey = new();

    /// <summary>By the principal's string itself, which all requests with one token share while that is remembered.</summary>
    private static readonly ConditionalWeakTable<string, string> Hashes = [];

    private static readonly MessageTemplate Message = new MessageTemplateParser().Parse(Log.Request);

    /// <summary>The member by which the lines of every other message can be found too.</summary>
    private static readonly LogEventProperty EventId = new(nameof(EventId), new StructureValue(
        [new LogEventProperty("Id", new ScalarValue(1)), new LogEventProperty("Name", new ScalarValue(nameof(Log.Request)))]));

    private readonly Serilog.ILogger _log = log.ForContext<RequestLog>();

    /// <summary>Lets the request's line name the op that it carried.</summary>
    public static void SetOpId(HttpContext context, string opId) => context.Items[OpIdKey] = opId;

    public async Task InvokeAsync(HttpContext context)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            Write(context, Stopwatch.GetElapsedTime(began));
        }
    }

    private void Write(HttpContext context, TimeSpan elapsed)
    {
        var (level, serilogs) = LevelOf(context);
        if (!levels.IsEnabled(level))
        {
            return;
        }

        var request = context.Request;
        var hints = ClientHints.Read(request.Headers);
        LogEventProperty[] members =
        [
            Member("Method", request.Method),
            Member("Path", request.Path.ToUriComponent()),
            Member("Status", context.Response.StatusCode),
            Member("Elapsed", elapsed.TotalMilliseconds),
            Member("Route", (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText),
            // A hash: it ties lines together and names nobody.
            Member("Principal", HashOf(context.User.Identity?.Name)),
            Member("OpId", context.Items[OpIdKey]),
            Member("Client", hints.Client),
            Member("Attempt", hints.Attempt),
            Member("Outbox", hints.Outbox),
            Member("TraceId", Problems.TraceId(context)),
            EventId,
        ];
        var activity = Activity.Current;
        _log.Write(new LogEvent(
            DateTimeOffset.Now, serilogs, exception: null, Message, members, activity?.TraceId ?? default, activity?.SpanId ?? default));
    }

    private static LogEventProperty Member(string name, object? value) => new(name, new ScalarValue(value));

    private static (LogLevel Level, LogEventLevel Serilogs) LevelOf(HttpContext context) => context.Response.StatusCode switch
    {
        >= 500 => (LogLevel.Warning, LogEventLevel.Warning),
        < 400 when context.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase) => (LogLevel.Debug, LogEventLevel.Debug),
        _ => (LogLevel.Information, LogEventLevel.Information),
    };

    private static string? HashOf(string? principal) => principal is null ? null : Hashes.GetValue(principal, static principal =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(principal)).AsSpan(0, PrincipalHashBytes)));
}
