using System.Diagnostics;
using Serilog.Events;

namespace SyncServer.Http;

/// <summary>
/// One log line per request. Probes are logged at Debug, server errors at Warning. Where the log is <see cref="JsonLines"/> and nothing
/// else, the line goes straight there; else it goes to Serilog as it is, because on the way through <see cref="ILogger"/>, which
/// decides about levels alone, each member would be wrapped and unwrapped again.
/// </summary>
/// <param name="next">What answers the request.</param>
/// <param name="levels">Which levels are wanted.</param>
/// <param name="log">Takes lines to whatever sinks there are.</param>
/// <param name="lines">The only sink, with nothing between; null where that is not so.</param>
internal sealed class RequestLog(RequestDelegate next, ILogger<RequestLog> levels, Serilog.ILogger log, JsonLines? lines = null)
{
    private readonly Serilog.ILogger _log = log.ForContext<RequestLog>();

    /// <summary>Lets the request's line name the op that it carried.</summary>
    public static void SetOpId(HttpContext context, string opId) => context.Features.Set(new Carried(opId));

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
        var line = new RequestLine
        {
            Timestamp = DateTimeOffset.Now,
            Level = serilogs,
            Method = request.Method,
            Path = request.Path.ToUriComponent(),
            Status = context.Response.StatusCode,
            Elapsed = elapsed,
            Route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText,
            Principal = (context.User.Identity as IPseudonymous)?.Pseudonym,
            OpId = context.Features.Get<Carried>()?.OpId,
            Client = hints.Client,
            Attempt = hints.Attempt,
            Outbox = hints.Outbox,
            TraceId = Problems.TraceId(context),
        };
        if (lines is null)
        {
            _log.Write(line.ToEvent());
        }
        else
        {
            lines.Write(line);
        }
    }

    private static (LogLevel Level, LogEventLevel Serilogs) LevelOf(HttpContext context) => context.Response.StatusCode switch
    {
        >= 500 => (LogLevel.Warning, LogEventLevel.Warning),
        < 400 when context.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase) => (LogLevel.Debug, LogEventLevel.Debug),
        _ => (LogLevel.Information, LogEventLevel.Information),
    };

    /// <summary>What a request carried, as a feature: the items of a context would be a dictionary for each request.</summary>
    private sealed record Carried(string OpId);
}
