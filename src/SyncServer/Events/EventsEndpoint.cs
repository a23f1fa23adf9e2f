using System.Globalization;
using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Events;

/// <summary><c>GET sync/events</c> (protocol 5).</summary>
/// <remarks>
/// A full page says that more may come, whether anything is behind it or not: otherwise its last byte would depend on when it
/// was read, and no cache could keep it. Who asks on at the head finds an empty page without a cursor.
/// </remarks>
internal sealed class EventsEndpoint(SpaceCalls calls, EventsQuery query, ServerIdentity identity, Limits limits)
{
    // A year, the usual bound of "for good". Private, because another caller may have no right to it.
    private const string ForGood = "private, max-age=31536000, immutable";

    private const string AskAgain = "private, no-cache";

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/events", (HttpContext context, string space, EventsEndpoint endpoint) =>
            endpoint.ReadAsync(context, space)).WithName("listEvents");

    /// <summary>A page as the client asked for it; the epoch is null where it named none.</summary>
    private sealed record Ask(long After, int Limit, string? Epoch, EntityTags? Known)
    {
        public Guid SpaceId { get; init; }

        /// <summary>The epoch that was served when the page was asked for.</summary>
        public required string Served { get; init; }
    }

    private async Task ReadAsync(HttpContext context, string space)
    {
        var rejection = Read(context.Request, out var ask);
        SpaceCall? call = null;
        if (rejection is null)
        {
            (call, rejection) = await calls.ReadAsync(context, space);
        }

        EventsPage? page = null;
        if (rejection is null)
        {
            var request = new EventsAsk(call!.SpaceId, call.Principal, ask.After) { Limit = ask.Limit, BytesMax = limits.PullBytesMax };
            page = await query.ReadAsync(request, context.RequestAborted);
            rejection = Access.Refuses(page?.Role, Role.Reader);
        }

        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
        }
        else if (ask.Epoch is { } epoch && epoch != ask.Served)
        {
            await WriteGoneAsync(context, ("epoch", "The database was restored and has another history than this."), ask, page!);
        }
        else if (ask.After < page!.HistoryHorizon)
        {
            await WriteGoneAsync(context, ("expired", "Changes after this seq were purged; those after the horizon are kept."), ask, page);
        }
        else
        {
            // "me" is another space after it was erased, and without an epoch the address is not that of one history. Where
            // another epoch began meanwhile, the page may be of that one.
            var isFixed = page.IsFull && ask.Epoch is not null && space != SpaceDirectory.Me && identity.Epoch == ask.Served;
            await WriteAsync(context, ask with { SpaceId = call!.SpaceId }, page, isFixed ? ForGood : AskAgain);
        }
    }

    private Rejection? Read(HttpRequest request, out Ask ask)
    {
        var parameters = request.Query;
        var noLimit = Paging.Limit(parameters, limits.PullPageDefault, limits.PullPageMax, out var limit);
        var noAfter = After(parameters, out var after);
        var noTags = EntityTags.Read(request.Headers, "If-None-Match", out var known);
        var epochs = parameters["epoch"];
        ask = new Ask(after, limit, epochs.Count == 0 ? null : epochs.ToString(), known) { Served = identity.Epoch };
        return noAfter ?? noLimit ?? noTags
            ?? (epochs.Count > 1 ? new Rejection(ErrorCode.InvalidRequest, "epoch is given once.") : null);
    }

    /// <summary>The seq behind which the page begins. The cursor of a page is its last seq, so it and <c>after</c> say the same.</summary>
    private static Rejection? After(IQueryCollection parameters, out long after)
    {
        after = 0;
        var (afters, cursors) = (parameters["after"], parameters["cursor"]);
        if (afters.Count + cursors.Count == 0)
        {
            return null;
        }

        var text = afters.Count > 0 ? afters : cursors;
        return afters.Count + cursors.Count == 1 && WholeNumber.TryParseSafe(text[0], out after)
            ? null
            : cursors.Count > 0
                ? new Rejection(ErrorCode.InvalidCursor, "The cursor was not issued for this list, or stands beside after.")
                : new Rejection(ErrorCode.InvalidRequest, "after is one seq, a whole number from 0.");
    }

    private static Task WriteGoneAsync(HttpContext context, (string Reason, string Detail) why, Ask ask, EventsPage page) =>
        Problems.WriteAsync(context, new Rejection(ErrorCode.ResyncRequired, why.Detail), writer =>
        {
            writer.WriteString("reason", why.Reason);
            writer.WriteString("epoch", ask.Served);
            writer.WriteNumber("horizon", page.HistoryHorizon);
        });

    private static async Task WriteAsync(HttpContext context, Ask ask, EventsPage page, string cacheControl)
    {
        var last = page.Events.Count == 0 ? ask.After : page.Events[^1].Seq;
        var etag = $"\"{ask.Served[..8]}-{ask.SpaceId:n}-{ask.After}-{last}{(page.IsFull ? "" : "-end")}\"";
        context.Response.Headers.ETag = etag;
        if (ask.Known?.HoldsWeakly(etag) == true)
        {
            JsonResponse.NotModified(context.Response, cacheControl);
            return;
        }

        await JsonResponse.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("events");
            page.Events.ForEach(change => Write(writer, change));
            writer.WriteEndArray();
            if (page.IsFull)
            {
                writer.WriteString("cursor", last.ToString(CultureInfo.InvariantCulture));
            }

            writer.WriteBoolean("hasMore", page.IsFull);
            writer.WriteString("epoch", ask.Served);
            writer.WriteEndObject();
        }, cacheControl);
    }

    private static void Write(Utf8JsonWriter writer, LoggedChange change)
    {
        writer.WriteStartObject();
        writer.WriteNumber("seq", change.Seq);
        writer.WriteString("opId", change.OpId);
        writer.WriteString("entity", change.Key.Entity);
        writer.WriteString("id", change.Key.Id);
        writer.WriteNumber("rev", change.Rev);
        writer.WriteString("kind", ParkedOp.KindName(change.Kind));
        if (change.Patch is { } patch)
        {
            writer.WritePropertyName("patch");
            writer.WriteRawValue(patch, skipInputValidation: true);
        }

        writer.WriteString("by", change.Principal);
        writer.WriteString("device", change.Device);
        writer.WriteString("at", Timestamp.Format(change.At));
        writer.WriteEndObject();
    }
}
