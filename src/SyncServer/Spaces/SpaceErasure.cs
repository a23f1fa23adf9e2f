using Microsoft.EntityFrameworkCore;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary>Erases spaces: every row of every table that belongs to one, outcomes included.</summary>
internal sealed class SpaceErasure(SpaceTransaction transaction, IDbContextFactory<SyncDb> databases, ServerIdentity identity, Limits limits)
{
    // A space of millions of rows takes minutes; what waits for it meanwhile is only that space.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    // From the model, so that a table that is added later is erased too.
    private readonly Lazy<string[]> _tables = new(() => TablesOf(databases));

    private static readonly Outcome Erased =
        new() { Status = StatusCodes.Status204NoContent, State = OutcomeState.Applied, Body = default };

    /// <summary>
    /// Erases <paramref name="target"/>, which only its owner may. For a shared space the outcome stands in the caller's
    /// personal space, so that a repeat after a lost response is a replay; of a personal space nothing stays at all.
    /// </summary>
    public Task<(Outcome? Outcome, Rejection? Rejection)> RunAsync(
        SpaceCall personal, Guid target, KeyedRequest request, CancellationToken cancellation) =>
        target == personal.SpaceId ? PersonalAsync(personal, cancellation) : SharedAsync(personal, target, request, cancellation);

    private async Task<(Outcome? Outcome, Rejection? Rejection)> PersonalAsync(SpaceCall personal, CancellationToken cancellation)
    {
        var context = personal.Context(identity, limits) with { Instance = $"{SpacesEndpoint.Path}/{personal.SpaceId}" };
        if (PushPlan.OtherEpoch(context) is { } resync)
        {
            return (resync, null);
        }

        var spec = new LoadSpec(personal.SpaceId, personal.Principal, personal.Device);
        await transaction.RunAsync(spec, Role.Owner, async (_, connection) =>
        {
            await EraseAsync(connection, personal.SpaceId);
            await using var account = new NpgsqlCommand("DELETE FROM accounts WHERE principal = $1 AND space_id = $2", connection);
            account.Parameters.Add(new NpgsqlParameter { Value = personal.Principal });
            account.Parameters.Add(new NpgsqlParameter { Value = personal.SpaceId });
            await account.ExecuteNonQueryAsync(CancellationToken.None);
            return new Decided<Outcome>(Erased);
        }, cancellation);
        // Refused only where the space is gone: the request came twice at once and waited for the other.
        return (Erased, null);
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

            if (request.Undecidable(loaded.Plan, context) is { } answer)
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
