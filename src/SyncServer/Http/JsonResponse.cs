using System.Text.Json;
using SyncServer.Core.Json;

namespace SyncServer.Http;

/// <summary>Successful answers to reads. Unless they say otherwise, they may be kept by the client, which asks again before each use.</summary>
internal static class JsonResponse
{
    private const string AskAgain = "private, no-cache";

    /// <summary>Answers 200 with what <paramref name="write"/> produces; HEAD gets the headers alone, its length among them.</summary>
    public static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write, string cacheControl = AskAgain)
    {
        var body = JsonText.Write(write);
        var response = context.Response;
        response.Headers.CacheControl = cacheControl;
        response.ContentType = RequestBody.Json;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(body, context.RequestAborted);
        }
    }

    /// <summary>Answers with a page: the array <paramref name="name"/> and the paging members; a null cursor is the end.</summary>
    public static Task WriteListAsync(HttpContext context, string name, Action<Utf8JsonWriter> items, string? cursor) =>
        WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray(name);
            items(writer);
            writer.WriteEndArray();
            if (cursor is not null)
            {
                writer.WriteString("cursor", cursor);
            }

            writer.WriteBoolean("hasMore", cursor is not null);
            writer.WriteEndObject();
        });

    /// <summary>Answers 304 with the headers that the 200 would have had; ETag is the caller's (RFC 9110, 15.4.5).</summary>
    public static void NotModified(HttpResponse response, string cacheControl = AskAgain)
    {
        response.Headers.CacheControl = cacheControl;
        response.StatusCode = StatusCodes.Status304NotModified;
    }
}
