using Microsoft.EntityFrameworkCore;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary>Erases spaces: every row of every table that belongs to one, outcomes included.</summary>
internal sealed class SpaceErasure(SpaceTransaction transaction, IDbContextFactory<SyncDb> databases, SpaceDirectory directory, ServerIdentity identity, Limits limits)
{
    // A space of millions of rows takes minutes; what waits for it meanwhile is only that space.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    // From the model, so that a table that is added later is erased too.
    private readonly Lazy<string[]> _tables = new(() => TablesOf(databases));

    private static readonly Outcome Erased =
        new() { Status = StatusCodes.Status204NoContent, State = OutcomeState.Applied, Body = default };

    /// <summary>
    /// Erases <paramref name="target"/>, which only its owner may. The outcome stands in the caller's personal space, or
    /// where that is the target in the next one, so that a repeat after a lost response is a replay. The rejection is set
    /// where the personal space is gone: another erasure came first, and there is a new one to ask with.
    /// </summary>
    public Task<(Outcome? Outcome, Rejection? Rejection)> RunAsync(
        SpaceCall personal, Guid target, KeyedRequest request, CancellationToken cancellation) =>
        target == personal.SpaceId ? PersonalAsync(personal, request, cancellation) : SharedAsync(personal, target, request, cancellation);

    private Task<(Outcome? Outcome, Rejection? Rejection)> PersonalAsync(
        SpaceCall personal, KeyedRequest request, CancellationToken cancellation)
    {
        var context = personal.Context(identity, limits) with { Instance = $"{SpacesEndpoint.Path}/{personal.SpaceId}" };
        var spec = new LoadSpec(personal.SpaceId, personal.Principal, personal.Device) { OpIds = [request.Key] };
        return transaction.RunAsync(spec, Role.Owner, async (loaded, connection) =>
        {
            if (request.Undecidable(loaded.Plan, context with { Epoch = identity.Epoch }) is { } answer)
            {
                return new Decided<Outcome>(answer);
            }

            await EraseAsync(connection, personal.SpaceId);
            var next = new SpacePlan(Guid.NewGuid(), head: 0, loaded.Plan.Now, Seeds.New());
            await directory.MoveAsync(connection, personal.Principal, next.SpaceId, next.Now);
            var outcome = request.Decided(next, context, Erased);
            await SpaceWrite.WriteAsync(connection, next);
            return new Decided<Outcome>(outcome);
        }, cancellation);
    }

    private Task<(Outcome? Outcome, Rejection? Rejection)> SharedAsync(
        SpaceCall personal, Guid target, KeyedRequest request, CancellationToken cancellation)
    {
        var context = personal.Context(identity, limits) with { Instance = $"{SpacesEndpoint.Path}/{target}" };
        var spec = new LoadSpec(personal.SpaceId, personal.Principal, personal.Device) { OpIds = [request.Key], Beside = target };
        return transaction.RunAsync(spec, Role.Owner, async (loaded, connection) =>
        {
            var (role, _) = await MemberRows.ReadAsync(connection, target, personal.Principal, cancellation);
            // Who became its owner after the locks were taken is still a stranger to this request: it may not write what it does not hold.
            role = role == Role.Owner && !loaded.BesideLocked ? null : role;
            // To its former owner an erased space looks like any other that is not theirs, but for this very request.
            if (Access.Refuses(role, Role.Owner) is { } rejection && (role is not null || !request.IsRepeat(loaded.Plan, context)))
            {
                return new Decided<Outcome>(PushPlan.Refusal(
                    rejection, new Occurrence(context.Instance, context.TraceId), OutcomeState.Unknown), Discard: true);
            }

            if (request.Undecidable(loaded.Plan, context with { Epoch = identity.Epoch }) is { } answer)
            {
                return new Decided<Outcome>(answer);
            }

            await EraseAsync(connection, target);
            return new Decided<Outcome>(request.Decided(loaded.Plan, context, Erased));
        }, cancellation);
    }

    /// <summary>Once begun it goes on without its client: the next attempt would only start again.</summary>
    private async Task EraseAsync(NpgsqlConnection connection, Guid spaceId)
    {
        await using var batch = new NpgsqlBatch(connection) { Timeout = (int)Patience.TotalSeconds };
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"SET LOCAL statement_timeout = {(long)Patience.TotalMilliseconds}"));
        foreach (var table in _tables.Value)
        {
            var delete = new NpgsqlBatchCommand($"DELETE FROM {table} WHERE space_id = $1");
            delete.Parameters.Add(new NpgsqlParameter { Value = spaceId });
            batch.BatchCommands.Add(delete);
        }

        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static string[] TablesOf(IDbContextFactory<SyncDb> databases)
    {
        using var db = databases.CreateDbContext();
        return [.. db.Model.GetEntityTypes()
            .Where(type => type.FindPrimaryKey()!.Properties[0].GetColumnName() == "space_id")
            .Select(type => type.GetTableName()!)];
    }
}
