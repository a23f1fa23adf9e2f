using System.Text.Json;
using SyncServer.Core.Json;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary><c>GET sync/changes</c> (protocol 5).</summary>
internal sealed class PullEndpoint(SpaceCalls calls, PullAsks asks, PullPages pages, PullBody body, ServerIdentity identity)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/changes", (HttpContext context, string space, PullEndpoint endpoint) => endpoint.PullAsync(context, space))
            .WithName("pullChanges");

    private async Task PullAsync(HttpContext context, string space)
    {
        var (call, rejection) = await calls.ReadAsync(context, space);
        PullAsk? ask = null;
        rejection ??= asks.Read(context.Request.Query, call!.SpaceId, out ask);
        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        await (await pages.ReadAsync(call!, ask!, context.RequestAborted) switch
        {
            Pulled.Refused refused => Problems.WriteAsync(context, refused.Rejection),
            Pulled.Resync resync => ResyncResponse.WriteAsync(context, resync.Reason, identity.Epoch),
            var pulled => WriteAsync(context, ask!, (Pulled.Found)pulled),
        });
    }

    private async Task WriteAsync(HttpContext context, PullAsk ask, Pulled.Found found)
    {
        var response = context.Response;
        response.Headers.CacheControl = "private, no-cache";
        response.Headers.ETag = body.ETag(found.Page);
        var isAtHead = found.Page.Changes.Count == 0 && !found.Page.HasMore && ask.Cursor?.Position == found.Page.Head;
        if (isAtHead && EntityTags.Read(context.Request.Headers, "If-None-Match", out var known) is null
            && known?.HoldsWeakly(response.Headers.ETag) == true)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(response.BodyWriter, JsonText.Options);
        body.Write(writer, found);
        await writer.FlushAsync(context.RequestAborted);
    }
}
