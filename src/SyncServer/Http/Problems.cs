using System.Buffers;
using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>Writes a <see cref="Rejection"/> as a problem document (RFC 9457).</summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>A bucket refills within the second; who has a better figure sets Retry-After before the problem is written.</summary>
    private const string TooManyRetrySeconds = "1";

    /// <summary>A restart or a failover of the database takes seconds; clients add their own backoff and jitter.</summary>
    private const string UnavailableRetrySeconds = "2";

    /// <summary>Bodies are read as JSON, never pasted into HTML, so names and texts stay legible.</summary>
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Answers the request with the problem. Headers set before are kept (ETag, Allow, Retry-After);
    /// <paramref name="extra"/> writes extension members into the open object. HEAD gets the headers alone.
    /// </summary>
    public static async Task WriteAsync(HttpContext context, Rejection rejection, Action<Utf8JsonWriter>? extra = null)
    {
        var body = new ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(body, Relaxed))
        {
            json.WriteStartObject();
            WriteMembers(json, rejection, context);
            extra?.Invoke(json);
            json.WriteEndObject();
        }

        var response = context.Response;
        response.StatusCode = rejection.Code.Info().Status;
        response.ContentType = ContentType;
        response.ContentLength = body.WrittenCount;
        SetHeaders(response.Headers, rejection.Code);
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(body.WrittenMemory, context.RequestAborted);
        }
    }

    /// <summary>
    /// Writes the standard members and <c>errors</c> into an open object: the same for an answer of its own and for
    /// an item of a batch.
    /// </summary>
    public static void WriteMembers(Utf8JsonWriter json, Rejection rejection, HttpContext context)
    {
        var info = rejection.Code.Info();
        json.WriteString("type", info.Type);
        json.WriteString("title", info.Title);
        json.WriteNumber("status", info.Status);
        json.WriteString("detail", rejection.Detail);
        json.WriteString("instance", (context.Request.PathBase + context.Request.Path).ToUriComponent());
        json.WriteString("traceId", TraceId(context));
        if (rejection.Errors.Count == 0)
        {
            return;
        }

        json.WriteStartArray("errors");
        foreach (var error in rejection.Errors)
        {
            json.WriteStartObject();
            json.WriteString("pointer", error.Pointer);
            json.WriteString("detail", error.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
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
