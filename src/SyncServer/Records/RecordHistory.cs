using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Records;

/// <summary><c>GET records/{entity}/{id}/history</c> (protocol 6): what was accepted, deletes and restores and what changed nothing included.</summary>
internal sealed class RecordHistory(SpaceCalls calls, HistoryQuery query, Limits limits)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/records/{entity}/{id}/history", (HttpContext context, string space, string entity, string id, RecordHistory history) =>
            history.ReadAsync(context, space, (entity, id)).OrProblemAsync(context)).WithName("getRecordHistory");

    private async Task<Rejection?> ReadAsync(HttpContext context, string space, (string Entity, string Id) address)
    {
        if (RecordAddress.ForRead(address.Entity, address.Id, out var key) is { } malformed)
        {
            return malformed;
        }

        var parameters = context.Request.Query;
        if (Paging.Limit(parameters, limits.PullPageDefault, limits.PullPageMax, out var limit) is { } noLimit)
        {
            return noLimit;
        }

        if (HistoryPlace.Read(parameters, out var before) is { } noRevision)
        {
            return noRevision;
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var ask = new HistoryAsk(call!.SpaceId, call.Principal, key) { Before = before, Limit = limit, BytesMax = limits.PullBytesMax };
        var page = await query.ReadAsync(ask, context.RequestAborted);
        if (Access.Refuses(page.Role, Role.Reader) is { } refused)
        {
            return refused;
        }

        if (!page.Exists)
        {
            return RecordAddress.NeverExisted;
        }

        await JsonResponse.WriteListAsync(context, "history",
            writer => page.Items.ForEach(change => Write(writer, change)),
            page.HasMore ? HistoryPlace.CursorOf(page.Items[^1]) : null);
        return null;
    }

    private static void Write(Utf8JsonWriter writer, Change change)
    {
        writer.WriteStartObject();
        if (!change.IsUnchanged)
        {
            writer.WriteNumber("seq", change.Seq);
        }

        writer.WriteNumber("rev", change.Rev);
        writer.WriteString("kind", ParkedOp.KindName(change.Kind));
        writer.WriteString("opId", change.OpId);
        writer.WriteString("by", change.Principal);
        writer.WriteString("device", change.Device);
        if (change.N is { } n)
        {
            writer.WriteNumber("n", n);
        }

        writer.WriteString("at", Timestamp.Format(change.At));
        writer.WriteOptional("patch", change.Patch);
        writer.WriteOptional("sent", change.Sent);
        if (change.IsUnchanged)
        {
            writer.WriteBoolean("unchanged", true);
            writer.WriteOptional("merge", change.Merge);
        }

        writer.WriteStartArray("changes");
        foreach (var field in FieldChange.Of(change))
        {
            writer.WriteStartObject();
            writer.WriteString("path", field.Path);
            writer.WriteOptional("before", field.Before);
            writer.WriteOptional("after", field.After);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
