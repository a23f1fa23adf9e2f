using System.Reflection;
using SyncServer.Accounts;
using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Core.Records;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Operators;

/// <summary><c>GET /v1/admin/overview</c>: what operators look at first. With <c>?space=</c> of one space only.</summary>
internal sealed class OverviewEndpoint(OverviewQuery query, ServerIdentity identity, TimeProvider clock)
{
    private static readonly string Version =
        typeof(OverviewEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>Maps the route, for operators only.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGroup("").RequireAuthorization(Policies.Operator)
            .MapRead("/v1/admin/overview", (HttpContext context, OverviewEndpoint endpoint) => endpoint.GetAsync(context))
            .WithName("getOverview");

    private async Task GetAsync(HttpContext context)
    {
        var asked = context.Request.Query["space"];
        Guid? space = asked.Count == 1 && Guid.TryParseExact(asked[0], "D", out var id) ? id : null;
        if (asked.Count > 0 && space is null)
        {
            await Problems.WriteAsync(context, new Rejection(ErrorCode.InvalidRequest, "space is the id of a space."));
            return;
        }

        var totals = await query.ReadAsync(space, context.RequestAborted);
        if (space is not null && totals.Spaces == 0)
        {
            await Problems.WriteAsync(context, new Rejection(ErrorCode.NotFound, "There is no such space."));
            return;
        }

        context.Response.Headers.CacheControl = "private, no-cache";
        await context.Response.WriteAsJsonAsync(Of(totals), context.RequestAborted);
    }

    private Overview Of(Totals totals)
    {
        var all = totals.ByEntity.Values;
        var apps = totals.ByEntity.Where(entity => IsApps(entity.Key)).OrderBy(entity => entity.Key, StringComparer.Ordinal).ToList();
        return new Overview(identity.Epoch, Version, Timestamp.Format(clock.GetUtcNow()))
        {
            Spaces = totals.Spaces,
            Changes = totals.Changes,
            Records = apps.Sum(entity => entity.Value.Live),
            Idempotency = new IdempotencyFigures(all.Sum(Outcomes), all.Sum(tally => tally.Replayed), all.Sum(tally => tally.Reused)),
            Retention = new RetentionFigures(totals.Purged)
            {
                TombstoneHorizon = totals.TombstoneHorizon,
                HistoryHorizon = totals.TombstoneHorizon is null ? null : totals.Purged,
            },
            Conflicts = new ConflictFigures(
                all.Sum(tally => tally.Parked),
                all.Sum(tally => tally.Opened - tally.Resolved),
                all.Sum(tally => tally.Resolved),
                all.Sum(tally => tally.Merged))
            {
                ByEntity = apps.ToDictionary(entity => entity.Key, entity => Of(entity.Value), StringComparer.Ordinal),
            },
        };
    }

    /// <summary>Whether apps know the entity: the empty name stands for requests about no record, and those of the server begin with a dollar.</summary>
    private static bool IsApps(string entity) => entity.Length > 0 && entity[0] != '$';

    /// <summary>Outcomes in the table: every one was counted once, as what it was when it was stored.</summary>
    private static long Outcomes(Tally tally) => tally.Applied + tally.Merged + tally.Parked + tally.Refused;

    private static EntityFigures Of(Tally tally) => new(
        tally.Parked, tally.Opened - tally.Resolved, tally.Resolved, tally.Merged, tally.Applied, tally.Refused, tally.Live);
}
