using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Pull;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary><c>GET sync/changes</c> (protocol 5).</summary>
internal sealed class PullEndpoint(SpaceCalls calls, PullQuery query, ServerIdentity identity, Limits limits)
{
    private const string Now = "now";

    private readonly long _epoch = Cursor.DigestOf(identity.Epoch);

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/changes", (HttpContext context, string space, PullEndpoint endpoint) => endpoint.PullAsync(context, space))
            .WithName("pullChanges");

    /// <summary>A pull as the client asked for it; without a cursor it starts from the beginning, or at the head.</summary>
    private sealed record Ask(Cursor? Cursor, bool FromNow, IReadOnlyCollection<string> Entities, int Limit)
    {
        public long Filter { get; } = Core.Pull.Cursor.DigestOf(Entities);

        public bool Checksums { get; init; }
    }

    private async Task PullAsync(HttpContext context, string space)
    {
        var (call, rejection) = await calls.ReadAsync(context, space);
        var ask = rejection is null ? Read(context.Request.Query, call!.SpaceId, out rejection) : null;
        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var request = new PullRequest(call!.SpaceId, call.Principal, After(ask!), Floor(ask!), ask!.Entities)
        {
            Limit = ask.Limit,
            BytesMax = limits.PullBytesMax,
            Checksums = ask.Checksums,
        };
        var page = await query.ReadAsync(request, context.RequestAborted);
        if (Access.Refuses(page?.Role, Role.Reader) is { } refused)
        {
            await Problems.WriteAsync(context, refused);
            return;
        }

        var view = new PullView(_epoch, page!.Head, page.Horizon, page.TagAtPosition, ask.Filter);
        if (ask.Cursor is { } cursor && Resync.Check(cursor, view) is { } reason)
        {
            await ResyncResponse.WriteAsync(context, reason, identity.Epoch);
            return;
        }

        await WriteAsync(context, call.SpaceId, ask, page);
    }

    private static long? After(Ask ask) => ask.Cursor is { } cursor ? cursor.Position : ask.FromNow ? null : 0;

    private static long? Floor(Ask ask) => ask.Cursor is { } cursor ? cursor.Floor : null;

    private Ask? Read(IQueryCollection parameters, Guid spaceId, out Rejection? rejection)
    {
        rejection = Paging.Limit(parameters, limits.PullPageDefault, limits.PullPageMax, out var limit);
        var wanted = false;
        var noFilter = EntityFilter.Read(parameters, out var entities);
        rejection ??= noFilter ?? Checksums(parameters, out wanted);
        if (rejection is not null)
        {
            return null;
        }

        var text = parameters["cursor"];
        if (text.Count == 0 || (text.Count == 1 && text[0] == Now))
        {
            return new Ask(null, text.Count == 1, entities, limit) { Checksums = wanted };
        }

        // A second cursor, an altered one and one of another space are the same mistake: not a cursor of this space.
        if (text.Count == 1 && Cursor.Decode(text[0]!, identity.CursorKey.Span) is { } cursor && cursor.SpaceId == spaceId)
        {
            return new Ask(cursor, false, entities, limit) { Checksums = wanted };
        }

        rejection = new Rejection(ErrorCode.InvalidCursor, "The cursor was not issued for this space.");
        return null;
    }

    /// <summary>Whether the last page is to carry checksums.</summary>
    private static Rejection? Checksums(IQueryCollection parameters, out bool wanted)
    {
        var values = parameters["checksums"];
        wanted = values.Count == 1 && values[0] == "1";
        return wanted || values.Count == 0 || (values.Count == 1 && values[0] == "0")
            ? null
            : new Rejection(ErrorCode.InvalidRequest, "checksums is 0 or 1.");
    }

    private async Task WriteAsync(HttpContext context, Guid spaceId, Ask ask, PullPage page)
    {
        var response = context.Response;
        response.Headers.CacheControl = "private, no-cache";
        response.Headers.ETag = $"\"{identity.Epoch[..8]}-{page.Head}\"";
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
        writer.WriteString("cursor", Next(spaceId, ask, page).Encode(identity.CursorKey.Span));
        writer.WriteBoolean("hasMore", page.HasMore);
        writer.WriteString("epoch", identity.Epoch);
        if (page is { HasMore: false, Checksums: { } checksums })
        {
            WriteChecksums(writer, checksums);
        }

        writer.WriteEndObject();
        await writer.FlushAsync(context.RequestAborted);
    }

    private static void WriteChecksums(Utf8JsonWriter writer, SortedDictionary<string, Checksum> checksums)
    {
        writer.WriteStartObject("checksums");
        foreach (var (entity, checksum) in checksums)
        {
            writer.WriteStartObject(entity);
            checksum.WriteMembers(writer);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>Behind the last change of the page, or at the head where nothing more is to come.</summary>
    private Cursor Next(Guid spaceId, Ask ask, PullPage page) => page.HasMore
        ? new Cursor(spaceId, _epoch, page.Changes[^1].Seq, page.LastTag, ask.Cursor?.Floor ?? page.Head, ask.Filter)
        : new Cursor(spaceId, _epoch, page.Head, page.HeadTag, 0, ask.Filter);
}
