using SyncServer.Core;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary><c>GET sync/changes</c> (protocol 5).</summary>
internal sealed class PullEndpoint(SpaceCalls calls, PullAsks asks, PullWait pages, PullBody body, ServerIdentity identity)
{
    /// <summary>As long as a client waits for an answer; the places are those of pages that other devices of the principal take slowly.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space)
    {
        var endpoint = space.Shared<PullEndpoint>();
        space.MapRead("/sync/changes", (HttpContext context, string space) => endpoint.Value.PullAsync(context, space))
            .WithName("pullChanges");
    }

    /// <summary>What was asked for and what it came to, which is no refusal; a large page has its place.</summary>
    private sealed record Asked(PullAsk Ask, Pulled Pulled, IDisposable? Place);

    private async Task PullAsync(HttpContext context, string space)
    {
        var (asked, rejection) = await calls.AskAsync(context, space, call => ReadAsync(context, call));
        using var place = asked?.Place;
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
        if (pulled is Pulled.Found found && PullBody.IsLarge(found.Page) && !HttpMethods.IsHead(context.Request.Method))
        {
            return await PlacedAsync(context, call, ask!, found);
        }

        return pulled is Pulled.Refused refused ? (null, refused.Rejection) : (new Asked(ask!, pulled, null), null);
    }

    /// <summary>
    /// A large page, once the principal has a place for it. Whoever has to wait for one keeps no page meanwhile, and reads it
    /// again.
    /// </summary>
    private async Task<(Asked? Asked, Rejection? Rejection)> PlacedAsync(HttpContext context, SpaceCall call, PullAsk ask, Pulled.Found found)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        end.CancelAfter(LongestWait);
        var taking = body.LargeAnswers.TakeAsync(call.Principal, end.Token);
        if (taking.IsCompletedSuccessfully && await taking is { } free)
        {
            return (new Asked(ask, found, free), null);
        }

        found.Page.Dispose();
        if (await taking is not { } place)
        {
            return (null, new Rejection(ErrorCode.TooManyRequests,
                $"{PullBody.LargeAnswersWaiting} pulls of the principal wait until large pages are taken already. Read those, then ask again."));
        }

        try
        {
            var pulled = await pages.ReadAsync(context, call, ask);
            if (pulled is not Pulled.Refused refused)
            {
                return (new Asked(ask, pulled, place), null);
            }

            place.Dispose();
            return (null, refused.Rejection);
        }
        catch
        {
            place.Dispose();
            throw;
        }
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
