using System.Reflection;
using SyncServer.Accounts;
using SyncServer.Core;
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
        var all = totals.ByEntity;
        var apps = all.Where(entity => entity.IsApps).ToList();
        return new Overview(identity.Epoch, Version, Timestamp.Format(clock.GetUtcNow()))
        {
            Spaces = totals.Spaces,
            Changes = totals.Changes,
            Records = apps.Sum(entity => entity.Live),
            Idempotency = new IdempotencyFigures(
                all.Sum(entity => entity.Outcomes), all.Sum(entity => entity.Replayed), all.Sum(entity => entity.Reused)),
            Retention = new RetentionFigures(totals.Purged)
            {
                TombstoneHorizon = totals.TombstoneHorizon,
                HistoryHorizon = totals.TombstoneHorizon is null ? null : totals.Purged,
            },
            Conflicts = new ConflictFigures(
                all.Sum(entity => entity.Parked),
                all.Sum(entity => entity.Opened - entity.Resolved),
                all.Sum(entity => entity.Resolved),
                all.Sum(entity => entity.Merged))
            {
                ByEntity = apps.ToDictionary(entity => entity.Entity, Figures, StringComparer.Ordinal),
            },
        };
    }

    private static EntityFigures Figures(EntityTotals entity) => new(
        entity.Parked, entity.Opened - entity.Resolved, entity.Resolved, entity.Merged, entity.Applied, entity.Refused, entity.Live);
}
