using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>
/// Decides a group of pushes in one transaction and two round trips: BEGIN, locks and reads; writes and COMMIT. Afterwards
/// every push of the group is answered, or is to go again: alone, where the group failed and nobody knows at whose fault.
/// </summary>
internal sealed class GroupCommit(
    PushDatabase database, TimeProvider clock, SpaceHeads heads, UniqueRegister register, ServerIdentity identity, IOptions<DatabaseOptions> options, ILogger<GroupCommit> logger)
{
    // After three losses in a row only waiting helps, and the clients hear 503.
    private const int Attempts = 3;

    // idle_in_transaction_session_timeout in appendix A of PostgreSQL's manual.
    private const string IdleInTransaction = "25P03";

    // Planning holds every space of the group; whoever is not planned by then goes with the next group.
    private static readonly TimeSpan PlanBudget = TimeSpan.FromMilliseconds(250);

    private readonly SpaceLoad _load = new(clock, register);
    private readonly TurnPlan _plan = new(clock, identity, logger);

    // While a plan is made its session is idle in its transaction.
    private readonly TimeSpan _patience = options.Value.IdleInTransactionTimeout;

    /// <summary>Never throws: a failure is the answer of the pushes that it belongs to.</summary>
    public async Task RunAsync(PushGroup group)
    {
        for (var attempt = 1; ; attempt++)
        {
            group.Begin();
            try
            {
                await OnceAsync(group);
                return;
            }
            catch (Exception trouble)
            {
                if (attempt == Attempts || !IsPassing(group, trouble))
                {
                    Judge(group, trouble);
                    return;
                }
            }
        }
    }

    /// <summary>Whether nothing was committed for certain, and the same may succeed at once.</summary>
    private static bool IsPassing(PushGroup group, Exception trouble) =>
        trouble is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure }
        || (group.Phase == GroupPhase.Loading && IsLost(trouble));

    /// <summary>Whether the session ended, and with it all knowledge of what it did last.</summary>
    private static bool IsLost(Exception trouble) => trouble is PostgresException postgres
        ? postgres.SqlState.StartsWith("57P", StringComparison.Ordinal) || postgres.SqlState.StartsWith("08", StringComparison.Ordinal)
            || postgres.SqlState == IdleInTransaction
        : trouble is NpgsqlException;

    private void Judge(PushGroup group, Exception trouble)
    {
        var isOutage = group.Phase == GroupPhase.Connecting
            || (group.Phase == GroupPhase.Loading
                && (IsLost(trouble) || trouble is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable }));
        var isUnknown = group.Phase == GroupPhase.Committing && IsLost(trouble);
        var outlasted = isUnknown && _patience > TimeSpan.Zero && group.Longest >= _patience;
        foreach (var push in group.Pushes)
        {
            push.IsAlone = true;
            push.Refuse(null);
            if (isOutage || push.Losses == Attempts || (group.Pushes.Count == 1 && (!isUnknown || outlasted)))
            {
                push.Fail(outlasted ? new PlanTimeoutException((NpgsqlException)trouble) : trouble);
            }
            else if (isUnknown)
            {
                push.Lose();
            }
            else
            {
                push.Decide(null);
            }
        }
    }

    private async Task OnceAsync(PushGroup group)
    {
        await using var connection = await database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        group.Phase = GroupPhase.Loading;
        var access = (Role.Writer, group.Waits ? SpaceLock.Wait : SpaceLock.Skip);
        var specs = group.Pushes.ConvertAll(push => push.Spec);
        var loaded = await _load.ReadAsync(connection, specs, access, CancellationToken.None);
        group.Phase = GroupPhase.Planning;
        var begun = clock.GetTimestamp();
        var at = 0;
        foreach (var turn in group.Turns)
        {
            Admit(turn, loaded, at);
            at += turn.Pushes.Count;
            if (turn.Plan is not null && clock.GetElapsedTime(begun) < PlanBudget)
            {
                _plan.Run(group, turn);
            }
        }

        await AskForKeysAsync(connection, group, access);
        var plans = group.Turns.Where(turn => turn.Plan is not null).Select(turn => turn.Plan!).ToList();
        if (plans.Count > 0)
        {
            group.Phase = GroupPhase.Committing;
            await SpaceWrite.CommitAsync(connection, plans);
            Publish(plans);
        }
    }

    /// <summary>Refuses who may not write the space; the others have its plan, or wait for who has locked it.</summary>
    private static void Admit(SpaceTurn turn, LoadedSpaces loaded, int first)
    {
        turn.Plan = loaded.PlanOf(turn.Line.SpaceId);
        for (var at = 0; at < turn.Pushes.Count; at++)
        {
            turn.Pushes[at].Refuse(Access.Refuses(loaded.RoleOf(first + at), Role.Writer));
        }

        turn.IsHeld = turn.Plan is null && turn.Pushes.Exists(push => !push.IsAnswered);
    }

    /// <summary>
    /// Which unique values matter is known only when the merged state is; each round knows more of them, under the same
    /// lock, and plans those spaces again.
    /// </summary>
    private async Task AskForKeysAsync(NpgsqlConnection connection, PushGroup group, (Role, SpaceLock) access)
    {
        var asking = group.Turns.FindAll(turn => turn.Plan is { MissingKeys.Count: > 0 });
        var known = asking.ToDictionary(turn => turn, _ => new HashSet<UniqueKey>());
        while (asking.Count > 0)
        {
            var specs = new List<LoadSpec>();
            foreach (var turn in asking)
            {
                known[turn].UnionWith(turn.Plan!.MissingKeys);
                specs.AddRange(turn.Pushes.Select((push, at) => at == 0 ? push.Spec with { UniqueKeys = known[turn] } : push.Spec));
            }

            var loaded = await _load.ReadAsync(connection, specs, access, CancellationToken.None);
            foreach (var turn in asking)
            {
                turn.Plan = loaded.PlanOf(turn.Line.SpaceId);
                _plan.Run(group, turn);
            }

            asking = asking.FindAll(turn => turn.Plan is { MissingKeys.Count: > 0 });
        }
    }

    private void Publish(List<SpacePlan> plans)
    {
        foreach (var plan in plans)
        {
            if (plan.Head != plan.LoadedHead)
            {
                heads.Publish(plan.SpaceId, plan.Head);
            }
        }
    }
}
