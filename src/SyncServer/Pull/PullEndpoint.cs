using SyncServer.Core;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary><c>GET sync/changes</c> (protocol 5).</summary>
internal sealed class PullEndpoint(SpaceCalls calls, PullAsks asks, PullWait pages, PullBody body, ServerIdentity identity)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/changes", (HttpContext context, string space, PullEndpoint endpoint) => endpoint.PullAsync(context, space))
            .WithName("pullChanges");

    /// <summary>What was asked for and what it came to, which is no refusal.</summary>
    private sealed record Asked(PullAsk Ask, Pulled Pulled);

    private async Task PullAsync(HttpContext context, string space)
    {
        var (asked, rejection) = await calls.AskAsync(context, space, call => ReadAsync(context, call));
        await (asked?.Pulled switch
        {
            null => Problems.WriteAsync(context, rejection!),
            Pulled.Resync resync => ResyncResponse.WriteAsync(context, resync.Reason, identity.Epoch),
            var pulled => WriteAsync(context, asked.Ask, (Pulled.Found)pulled),
        });
    }

    private async Task<(Asked? Asked, Rejection? Rejection)> ReadAsync(HttpContext context, SpaceCall call)
    {
        if (asks.Read(context.Request.Query, call.SpaceId, out var ask) is { } malformed)
        {
            return (null, malformed);
        }

        var pulled = await pages.ReadAsync(context, call, ask!);
        return pulled is Pulled.Refused refused ? (null, refused.Rejection) : (new Asked(ask!, pulled), null);
    }

    private async Task WriteAsync(HttpContext context, PullAsk ask, Pulled.Found found)
    {
        using var page = found.Page;
        var response = context.Response;
        response.Headers.CacheControl = "private, no-cache";
        response.Headers.ETag = body.ETag(page);
        var isAtHead = found.IsEmpty && ask.Cursor?.Position == page.Head;
        if (isAtHead && EntityTags.Read(context.Request.Headers, "If-None-Match", out var known) is null
            && known?.HoldsWeakly(response.Headers.ETag) == true)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        await body.WriteAsync(context, found);
    }
}
