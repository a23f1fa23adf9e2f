using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace SyncServer.Http;

/// <summary>One log line per request. Probes are logged at Debug, server errors at Warning.</summary>
internal sealed class RequestLog(RequestDelegate next, ILogger<RequestLog> logger)
{
    /// <summary>Bytes of a principal's hash in the log: enough to tell principals apart, and no name.</summary>
    private const int PrincipalHashBytes = 8;

    private static readonly object OpIdKey = new();

    /// <summary>By the principal's string itself, which all requests with one token share while that is remembered.</summary>
    private static readonly ConditionalWeakTable<string, string> Hashes = [];

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
            Write(context, LevelOf(context), Stopwatch.GetElapsedTime(began));
        }
    }

    private void Write(HttpContext context, LogLevel level, TimeSpan elapsed)
    {
        if (!logger.IsEnabled(level))
        {
            return;
        }

        var request = context.Request;
        var hints = ClientHints.Read(request.Headers);
        var path = request.Path.ToUriComponent();
        var principal = HashOf(context.User.Identity?.Name);
        var traceId = Problems.TraceId(context);
        Log.Request(
            logger,
            level,
            request.Method,
            path,
            context.Response.StatusCode,
            elapsed.TotalMilliseconds,
            (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText,
            principal,
            context.Items[OpIdKey] as string,
            hints.Client,
            hints.Attempt,
            hints.Outbox,
            traceId);
    }

    private static LogLevel LevelOf(HttpContext context) => context.Response.StatusCode switch
    {
        >= 500 => LogLevel.Warning,
        < 400 when context.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase) => LogLevel.Debug,
        _ => LogLevel.Information,
    };

    private static string? HashOf(string? principal) => principal is null ? null : Hashes.GetValue(principal, static principal =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(principal)).AsSpan(0, PrincipalHashBytes)));
}
