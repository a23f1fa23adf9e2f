using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Pull;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary><c>GET sync/changes</c> (protocol 5).</summary>
internal sealed class PullEndpoint(SpaceCalls calls, PullQuery query, ServerIdentity identity, EpochProof proof, Limits limits)
{
    private const string Now = "now";

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/changes", (HttpContext context, string space, PullEndpoint endpoint) => endpoint.PullAsync(context, space))
            .WithName("pullChanges");

    /// <summary>A pull as the client asked for it; without a cursor it starts from the beginning, or at the head.</summary>
    private sealed record Ask(Cursor? Cursor, bool FromNow, IReadOnlyCollection<string> Entities, int Limit)
    {
        public long Filter { get; } = Core.Pull.Cursor.DigestOf(Entities);
    }

    private async Task PullAsync(HttpContext context, string space)
    {
        // Taken before the page is read, so that a page never names an epoch that began after it.
        var history = identity.Current;
        var (call, rejection) = await calls.ReadAsync(context, space);
        var ask = rejection is null ? Read(context.Request.Query, call!.SpaceId, history, out rejection) : null;
        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var request = new PullRequest(call!.SpaceId, call.Principal, After(ask!), Floor(ask!), ask!.Entities)
        {
            Limit = ask.Limit,
            BytesMax = limits.PullBytesMax,
        };
        var page = await query.ReadAsync(request, context.RequestAborted);
        if (Access.Refuses(page?.Role, Role.Reader) is { } refused)
        {
            await Problems.WriteAsync(context, refused);
            return;
        }

        var view = new PullView(history.EpochDigest, page!.Head, page.Horizon, page.TagAtPosition, ask.Filter);
        if (ask.Cursor is { } cursor && Resync.Check(cursor, view) is { } reason)
        {
            var epoch = reason == ResyncReason.Ahead
                ? await proof.TakeAsync(cursor, history, context.RequestAborted)
                : history.Epoch;
            await ResyncResponse.WriteAsync(context, reason, epoch);
            return;
        }

        await WriteAsync(context, ask, page, new Labels(call.SpaceId, history));
    }

    private static long? After(Ask ask) => ask.Cursor is { } cursor ? cursor.Position : ask.FromNow ? null : 0;

    private static long? Floor(Ask ask) => ask.Cursor is { } cursor ? cursor.Floor : null;

    private Ask? Read(IQueryCollection parameters, Guid spaceId, History history, out Rejection? rejection)
    {
        rejection = Paging.Limit(parameters, limits.PullPageDefault, limits.PullPageMax, out var limit);
        var noFilter = EntityFilter.Read(parameters, out var entities);
        if ((rejection ??= noFilter) is not null)
        {
            return null;
        }

        var text = parameters["cursor"];
        if (text.Count == 0 || (text.Count == 1 && text[0] == Now))
        {
            return new Ask(null, text.Count == 1, entities, limit);
        }

        // A second cursor, an altered one and one of another space are the same mistake: not a cursor of this space.
        if (text.Count == 1 && Cursor.Decode(text[0]!, history.CursorKey.Span) is { } cursor && cursor.SpaceId == spaceId)
        {
            return new Ask(cursor, false, entities, limit);
        }

        rejection = new Rejection(ErrorCode.InvalidCursor, "The cursor was not issued for this space.");
        return null;
    }

    /// <summary>What names a page's space and history.</summary>
    private readonly record struct Labels(Guid SpaceId, History History);

    private static async Task WriteAsync(HttpContext context, Ask ask, PullPage page, Labels labels)
    {
        var response = context.Response;
        response.Headers.CacheControl = "private, no-cache";
        response.Headers.ETag = $"\"{labels.History.Epoch[..8]}-{page.Head}\"";
        var isAtHead = page.Changes.Count == 0 && !page.HasMore && ask.Cursor?.Position == page.Head;
        if (isAtHead && EntityTags.Read(context.Request.Headers, "If-None-Match", out var known) is null
            && known?.HoldsWeakly(response.Headers.ETag) == true)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(response.BodyWriter, JsonText.Options);
        writer.WriteStartObject();
        writer.WriteStartArray("changes");
        foreach (var change in page.Changes)
        {
            change.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteString("cursor", Next(ask, page, labels).Encode(labels.History.CursorKey.Span));
        writer.WriteBoolean("hasMore", page.HasMore);
        writer.WriteString("epoch", labels.History.Epoch);
        writer.WriteEndObject();
        await writer.FlushAsync(context.RequestAborted);
    }

    /// <summary>Behind the last change of the page, or at the head where nothing more is to come.</summary>
    private static Cursor Next(Ask ask, PullPage page, Labels labels) => page.HasMore
        ? new Cursor(labels.SpaceId, labels.History.EpochDigest, page.Changes[^1].Seq, page.LastTag, ask.Cursor?.Floor ?? page.Head, ask.Filter)
        : new Cursor(labels.SpaceId, labels.History.EpochDigest, page.Head, page.HeadTag, 0, ask.Filter);
}
