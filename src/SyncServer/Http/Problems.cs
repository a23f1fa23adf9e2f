using System.Diagnostics;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using SyncServer.Core;
using SyncServer.Core.Push;

namespace SyncServer.Http;

/// <summary>Writes a <see cref="Rejection"/> as a problem document (RFC 9457).</summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>A bucket refills within the second; who has a better figure sets Retry-After before the problem is written.</summary>
    private const string TooManyRetrySeconds = "1";

    /// <summary>A restart or a failover of the database takes seconds; clients add their own backoff and jitter.</summary>
    private const string UnavailableRetrySeconds = "2";

    /// <summary>
    /// Answers the request with the problem. Headers set before are kept (ETag, Allow, Retry-After);
    /// <paramref name="extra"/> writes extension members into the open object. HEAD gets the headers alone.
    /// </summary>
    public static async Task WriteAsync(HttpContext context, Rejection rejection, Action<Utf8JsonWriter>? extra = null)
    {
        var body = Body(context, rejection, extra);
        var response = context.Response;
        response.StatusCode = rejection.Code.Info().Status;
        response.ContentType = ContentType;
        response.ContentLength = body.Length;
        SetHeaders(response.Headers, rejection.Code);
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(body, context.RequestAborted);
        }
    }

    /// <summary>The problem document of the request, for those who send it by other ways than as the answer.</summary>
    public static ReadOnlyMemory<byte> Body(HttpContext context, Rejection rejection, Action<Utf8JsonWriter>? extra = null)
    {
        var instance = (context.Request.PathBase + context.Request.Path).ToUriComponent();
        return OutcomeBody.Problem(rejection, new Occurrence(instance, TraceId(context)), extra);
    }

    /// <summary>What a user reports and an operator finds in the log: the W3C trace id where there is one.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;

    private static void SetHeaders(IHeaderDictionary headers, ErrorCode code)
    {
        headers.CacheControl = "no-store";
        switch (code)
        {
            case ErrorCode.IdempotencyKeyMissing:
                headers.Append(HeaderNames.Link, $"<{code.Info().Type}>; rel=\"describedby\"");
                break;
            case ErrorCode.Unauthorized:
                headers.TryAdd(HeaderNames.WWWAuthenticate, "Bearer");
                break;
            case ErrorCode.TooManyRequests:
                headers.TryAdd(HeaderNames.RetryAfter, TooManyRetrySeconds);
                break;
            case ErrorCode.Unavailable:
                headers.TryAdd(HeaderNames.RetryAfter, UnavailableRetrySeconds);
                break;
        }
    }
}
