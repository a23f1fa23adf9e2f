using System.Globalization;
using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>
/// Decides a group of pushes in one transaction and two round trips: BEGIN, locks and reads; writes and COMMIT. The first is left out where
/// all spaces are trusted (<see cref="Trust"/>) and nothing has to be read. Afterwards
/// every push of the group is answered, or is to go again: alone, where the group failed and nobody knows at whose fault.
/// </summary>
internal sealed class GroupCommit(
    PushDatabase database, TimeProvider clock, SpaceHeads heads, Trust trust, UniqueRegister register, ServerIdentity identity, IOptions<DatabaseOptions> options, ILogger<GroupCommit> logger)
{
    // After three losses in a row only waiting helps, and the clients hear 503.
    private const int Attempts = 3;

    // idle_in_transaction_session_timeout in appendix A of PostgreSQL's manual.
    private const string IdleInTransaction = "25P03";

    // Looking up what ops take is one round, and a second one what they take instead; whoever asks on does not hold up others.
    private const int SharedKeyRounds = 3;

    // A space that is in use becomes free within milliseconds; what stays locked for longer leaves its lane to the next one.
    private static readonly TimeSpan LaneWait = TimeSpan.FromMilliseconds(250);

    // Planning holds every space of the group; whoever is not planned by then goes with the next group.
    private static readonly TimeSpan PlanBudget = TimeSpan.FromMilliseconds(250);

    private readonly SpaceLoad _load = new(clock, register);
    private readonly TurnPlan _plan = new(clock, identity, logger);

    // While a plan is made its session is idle in its transaction.
    private readonly TimeSpan _patience = options.Value.IdleInTransactionTimeout;

    private readonly TimeSpan _lockTimeout = options.Value.LockTimeout;

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
            catch (PostgresException locked) when (group is { Waits: true, Phase: GroupPhase.Loading } && locked.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                StayHeld(group, locked);
                return;
            }
            catch (Exception outdated) when (IsOutdated(group, outdated))
            {
                // Nothing was written. No attempt is lost: this one was a guess.
                trust.Broke(group);
                attempt--;
            }
            catch (Exception trouble)
            {
                group.MayTrust = false;
                if (attempt == Attempts || !IsPassing(group, trouble))
                {
                    Judge(group, trouble);
                    return;
                }
            }
        }
    }

    /// <summary>Who has waited for as long as a lock may be waited for fails; the others wait on.</summary>
    private void StayHeld(PushGroup group, PostgresException locked)
    {
        foreach (var turn in group.Turns)
        {
            turn.IsHeld = true;
        }

        foreach (var push in group.Pushes)
        {
            if (_lockTimeout > TimeSpan.Zero && push.HeldSince is { } since && clock.GetElapsedTime(since) >= _lockTimeout)
            {
                push.Fail(locked);
            }
        }
    }

    /// <summary>
    /// Whether somebody else wrote to a space that was trusted, or holds it, or something that was taken for new is there already. What goes
    /// wrong before anything is compared may come of a state that never was.
    /// </summary>
    private static bool IsOutdated(PushGroup group, Exception trouble) => group.Trusts && (group.Phase == GroupPhase.Committing
        ? trouble is PostgresException
        { SqlState: PostgresErrorCodes.DivisionByZero or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.LockNotAvailable }
        : group.Phase is GroupPhase.Loading or GroupPhase.Planning && trouble is not NpgsqlException);

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
            if (group.IsShared)
            {
                // The time that it has spent was not its own.
                push.Since = clock.GetTimestamp();
            }

            push.IsAlone = true;
            push.Refuse(null);
            if (isOutage || push.Losses == Attempts || (!group.IsShared && (!isUnknown || outlasted)))
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
        if (group.Waits)
        {
            await WaitBrieflyAsync(connection);
        }

        var access = (Role.Writer, group.Waits ? SpaceLock.Wait : SpaceLock.Skip);
        var loaded = await _load.ReadAsync(connection, trust.Begin(group), access, CancellationToken.None);
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
                trust.Doubt(turn);
            }
        }

        await AskForKeysAsync(connection, group, access, begun);
        var plans = group.Turns.Where(turn => turn is { Plan: not null, Discards: false }).Select(turn => turn.Plan!).ToList();
        var written = new List<(SpacePlan, Figures)>();
        if (plans.Count > 0)
        {
            group.Phase = GroupPhase.Committing;
            written = await SpaceWrite.CommitAsync(connection, plans, plans.Exists(static plan => plan.IsAssumed) ? register.Mark() : null);
            Publish(plans);
        }

        trust.Committed(group, loaded, written);
    }

    /// <summary>A lock is waited for no longer than <see cref="LaneWait"/> in this transaction, whatever a session may wait.</summary>
    private async Task WaitBrieflyAsync(NpgsqlConnection connection)
    {
        var wait = _lockTimeout > TimeSpan.Zero && _lockTimeout < LaneWait ? _lockTimeout : LaneWait;
        await using var command = new NpgsqlCommand("SELECT set_config('lock_timeout', $1, true)", connection);
        // Zero would be for ever.
        command.Parameters.Add(new NpgsqlParameter { Value = Math.Max(1, (long)wait.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) });
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Refuses who may not write the space; the others have its plan, or wait for who has locked it.</summary>
    private void Admit(SpaceTurn turn, LoadedSpaces loaded, int first)
    {
        turn.Plan = loaded.PlanOf(turn.Line.SpaceId);
        for (var at = 0; at < turn.Pushes.Count; at++)
        {
            turn.Pushes[at].Refuse(Access.Refuses(loaded.RoleOf(first + at), Role.Writer));
        }

        turn.IsHeld = turn.Plan is null && turn.Pushes.Exists(push => !push.IsAnswered);
        if (turn.IsHeld)
        {
            trust.Held(turn);
        }
    }

    /// <summary>
    /// Which unique values matter is known only when the merged state is; each round knows more of them, under the same
    /// lock, and plans those spaces again. What the group has no time for goes with the next one; whoever asks too often
    /// goes alone, and is refused there.
    /// </summary>
    private async Task AskForKeysAsync(NpgsqlConnection connection, PushGroup group, (Role, SpaceLock) access, long begun)
    {
        var asking = Asking(group.Turns);
        var keys = asking.ToDictionary(turn => turn, _ => new HashSet<UniqueKey>());
        for (var round = 1; asking.Count > 0 && MayAsk(group, round, begun); round++)
        {
            var specs = new List<LoadSpec>();
            foreach (var turn in asking)
            {
                keys[turn].UnionWith(turn.Plan!.MissingKeys);
                specs.AddRange(turn.Pushes.Select((push, at) => at == 0 ? push.Spec with { UniqueKeys = keys[turn] } : push.Spec));
            }

            var loaded = await _load.ReadAsync(connection, specs, access, CancellationToken.None);
            foreach (var turn in asking)
            {
                if (group.IsShared && turn != asking[0] && clock.GetElapsedTime(begun) >= PlanBudget)
                {
                    turn.TakeBack();
                    continue;
                }

                turn.Plan = loaded.PlanOf(turn.Line.SpaceId);
                _plan.Run(group, turn);
            }

            asking = Asking(asking);
        }

        foreach (var turn in asking)
        {
            turn.GoAlone();
            if (!group.IsShared)
            {
                turn.Pushes[0].Refuse(KeyRounds.TooMany);
            }
        }

        static List<SpaceTurn> Asking(List<SpaceTurn> turns) => turns.FindAll(turn => turn.Plan is { MissingKeys.Count: > 0 });
    }

    /// <summary>The first round is everybody's, so that a group gets on however long its first plans took.</summary>
    private bool MayAsk(PushGroup group, int round, long begun) => !group.IsShared
        ? round <= KeyRounds.Max
        : round == 1 || (round <= SharedKeyRounds && clock.GetElapsedTime(begun) < PlanBudget);

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
