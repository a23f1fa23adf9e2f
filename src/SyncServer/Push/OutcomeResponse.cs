using SyncServer.Core.Push;
using SyncServer.Http;

namespace SyncServer.Push;

/// <summary>An outcome as an HTTP answer: the stored bytes as they are, and the headers that belong to them.</summary>
internal static class OutcomeResponse
{
    private const string Json = "application/json";

    // The 429 of an outcome says that a record has too many open conflicts, or that a conflict cannot take one more op
    // (protocol 3.2). Only somebody who resolves one ends that, so a quick retry is wasted. A full rate limit never comes here.
    private const string RetrySeconds = "60";

    /// <summary>Answers with <paramref name="outcome"/>. A repeat differs from the first answer in one header only.</summary>
    public static async Task WriteAsync(HttpContext context, Outcome outcome)
    {
        var response = context.Response;
        response.StatusCode = outcome.Status;
        response.Headers.CacheControl = "no-store";
        if (outcome.ETag is { } etag)
        {
            response.Headers.ETag = etag;
        }

        if (outcome.Location is { } location)
        {
            response.Headers.Location = location;
        }

        if (outcome.Replayed)
        {
            response.Headers["Idempotent-Replayed"] = "true";
        }

        if (outcome.Status == StatusCodes.Status429TooManyRequests)
        {
            response.Headers.RetryAfter = RetrySeconds;
        }

        if (!outcome.Body.IsEmpty)
        {
            response.ContentType = outcome.IsSuccess ? Json : Problems.ContentType;
            response.ContentLength = outcome.Body.Length;
            await response.BodyWriter.WriteAsync(outcome.Body, context.RequestAborted);
        }
    }
}
