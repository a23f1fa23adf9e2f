using System.Text.Json;
using Microsoft.Extensions.Primitives;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Conflicts;

/// <summary><c>GET conflicts</c> and <c>GET conflicts/{conflictId}</c> (protocol 7).</summary>
internal sealed class ConflictReads(SpaceCalls calls, ConflictQuery query, Limits limits)
{
    /// <summary>Maps the two routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space)
    {
        space.MapRead("/conflicts", (HttpContext context, string space, ConflictReads reads) =>
            reads.ListAsync(context, space).OrProblemAsync(context)).WithName("listConflicts");
        space.MapRead("/conflicts/{conflictId}", (HttpContext context, string space, string conflictId, ConflictReads reads) =>
            reads.GetAsync(context, space, conflictId).OrProblemAsync(context)).WithName("getConflict");
    }

    private async Task<Rejection?> ListAsync(HttpContext context, string space)
    {
        var parameters = context.Request.Query;
        if (PageAsk.Read(parameters, limits, out var after, out var limit) is { } notAPage)
        {
            return notAPage;
        }

        var notAState = ReadState(parameters["state"], out var state);
        if ((EntityFilter.Read(parameters, out var entities) ?? notAState) is { } noFilter)
        {
            return noFilter;
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var list = new ConflictList(call!.SpaceId, call.Principal, state)
        {
            Entities = entities,
            After = after,
            Limit = limit,
            BytesMax = limits.PullBytesMax,
        };
        var page = await query.ListAsync(list, context.RequestAborted);
        if (Access.Refuses(page.Role, Role.Reader) is { } refused)
        {
            return refused;
        }

        await JsonResponse.WriteListAsync(context, "conflicts",
            writer => page.Items.ForEach(conflict => Write(writer, conflict)),
            page.HasMore ? PageCursor.Encode(page.Items[^1].ConflictId) : null);
        return null;
    }

    private async Task<Rejection?> GetAsync(HttpContext context, string space, string conflictId)
    {
        if (!RecordKey.IsId(conflictId))
        {
            return new Rejection(ErrorCode.InvalidRequest, "The conflict id is 1 to 128 of A-Z a-z 0-9 . _ : ~ -.");
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var found = await query.FindAsync(call!.SpaceId, call.Principal, conflictId, context.RequestAborted);
        if (Access.Refuses(found.Role, Role.Reader) is { } refused)
        {
            return refused;
        }

        if (!found.Exists)
        {
            return new Rejection(ErrorCode.NotFound, "There is no such conflict here, or its history is no longer kept.");
        }

        await JsonResponse.WriteAsync(context, writer => Write(writer, found.Items[0]));
        return null;
    }

    private static Rejection? ReadState(StringValues values, out ConflictState state)
    {
        state = values is ["resolved"] ? ConflictState.Resolved : ConflictState.Open;
        return values is [] or ["open"] or ["resolved"]
            ? null
            : new Rejection(ErrorCode.InvalidRequest, "state is open or resolved.");
    }

    /// <summary>The data of the <c>$conflict</c> record, with the state and the record as they are now.</summary>
    private static void Write(Utf8JsonWriter writer, FoundConflict conflict)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in conflict.Parked.Members)
        {
            writer.WritePropertyName(name);
            (name == "state" ? StateOf(conflict) : value).WriteTo(writer);
        }

        OutcomeBody.WriteCurrent(writer, conflict.Current);
        writer.WriteEndObject();
    }

    private static JsonString StateOf(FoundConflict conflict) => new(conflict.State == ConflictState.Open ? "open" : "resolved");
}
