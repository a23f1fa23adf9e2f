using SyncServer.Core;
using SyncServer.Http;
using SyncServer.Live;
using SyncServer.Spaces;

namespace SyncServer.Pull;

/// <summary><c>GET sync/stream</c>: the pull as server-sent events (protocol 5).</summary>
internal sealed class StreamEndpoint(SpaceCalls calls, PullAsks asks, LiveSlots slots, SpaceWatches watches, StreamParts parts)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/stream", (HttpContext context, string space, StreamEndpoint endpoint) =>
                endpoint.StreamAsync(context, space).OrProblemAsync(context))
            .WithName("streamChanges");

    private async Task<Rejection?> StreamAsync(HttpContext context, string space)
    {
        var (call, rejection) = await calls.ReadAsync(context, space);
        if (rejection is not null)
        {
            return rejection;
        }

        // What a client that comes back has seen last is newer than the address that it connects to.
        var query = context.Request.Query;
        var seen = context.Request.Headers["Last-Event-ID"];
        if (asks.Read(query, seen.ToString().Length > 0 ? seen : query["cursor"], call!.SpaceId, out var ask) is { } malformed)
        {
            return malformed;
        }

        using var slot = slots.TryStream(call.Principal);
        if (slot is null)
        {
            return slots.Refuse(context);
        }

        using var watch = watches.Watch(call.SpaceId);
        using var end = parts.End.Of(context, LiveEnd.Longest);
        return await new ChangeStream(context, parts, ask!) { Call = call, Watch = watch, Ended = end.Token }.RunAsync();
    }
}
