using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Records;

/// <summary><c>GET records/{entity}</c> and <c>GET records/{entity}/{id}</c> (protocol 6).</summary>
internal sealed class RecordReads(SpaceCalls calls, RecordQuery query, Limits limits)
{
    /// <summary>Maps the two routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space)
    {
        space.MapRead("/records/{entity}", (HttpContext context, string space, string entity, RecordReads reads) =>
            reads.ListAsync(context, space, entity).OrProblemAsync(context)).WithName("listRecords");
        space.MapRead("/records/{entity}/{id}", (HttpContext context, string space, string entity, string id, RecordReads reads) =>
            reads.GetAsync(context, space, (entity, id)).OrProblemAsync(context)).WithName("getRecord");
    }

    private async Task<Rejection?> ListAsync(HttpContext context, string space, string entity)
    {
        if (RecordAddress.CheckEntity(entity) is { } malformed)
        {
            return malformed;
        }

        if (PageAsk.Read(context.Request.Query, limits, out var after, out var limit) is { } notAPage)
        {
            return notAPage;
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var list = new RecordList(call!.SpaceId, call.Principal, entity) { After = after, Limit = limit, BytesMax = limits.PullBytesMax };
        var page = await query.ListAsync(list, context.RequestAborted);
        if (Access.Refuses(page.Role, Role.Reader) is { } refused)
        {
            return refused;
        }

        await JsonResponse.WriteListAsync(context, "records",
            writer => page.Items.ForEach(record => record.WriteTo(writer)),
            page.HasMore ? PageCursor.Encode(page.Items[^1].Key.Id) : null);
        return null;
    }

    private async Task<Rejection?> GetAsync(HttpContext context, string space, (string Entity, string Id) address)
    {
        if (RecordAddress.ForRead(address.Entity, address.Id, out var key) is { } malformed)
        {
            return malformed;
        }

        if (EntityTags.Read(context.Request.Headers, "If-None-Match", out var known) is { } noTags)
        {
            return noTags;
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var (role, record) = await query.FindAsync(call!.SpaceId, call.Principal, key, context.RequestAborted);
        if (Access.Refuses(role, Role.Reader) is { } refused)
        {
            return refused;
        }

        if (record is null)
        {
            return RecordAddress.NeverExisted;
        }

        await AnswerAsync(context, record, known);
        return null;
    }

    private static Task AnswerAsync(HttpContext context, SyncRecord record, EntityTags? known)
    {
        context.Response.Headers.ETag = record.ETag;

        // A precondition counts only where the answer without it were a success (RFC 9110, 13.2.1).
        if (record.Deleted)
        {
            return Problems.WriteAsync(context, new Rejection(ErrorCode.Gone, "The record is deleted."),
                writer => OutcomeBody.WriteCurrent(writer, record));
        }

        if (known?.HoldsWeakly(record.ETag) == true)
        {
            JsonResponse.NotModified(context.Response);
            return Task.CompletedTask;
        }

        return JsonResponse.WriteAsync(context, record.WriteTo);
    }
}
