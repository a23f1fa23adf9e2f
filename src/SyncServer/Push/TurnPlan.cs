using SyncServer.Core.Push;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>Plans the pushes of one space, one after the other on its plan.</summary>
internal sealed class TurnPlan(TimeProvider clock, ServerIdentity identity, ILogger logger)
{
    // A plan takes milliseconds, and everybody who writes to the space waits for it.
    private static readonly TimeSpan SlowPlan = TimeSpan.FromSeconds(1);

    // As for a group: every space of it is held while this one is planned.
    private static readonly TimeSpan TurnBudget = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Every push has its outcomes afterwards, but for those that the group has no time or room for: they stay undecided, and
    /// nothing of them is in the plan. The turn has no plan afterwards where each push has to go again alone.
    /// </summary>
    public void Run(PushGroup group, SpaceTurn turn)
    {
        var plan = turn.Plan!;
        var begun = clock.GetTimestamp();
        turn.Discards = false;
        turn.AnswerBytes = 0;
        var others = group.AnswerBytes;
        foreach (var push in turn.Pushes)
        {
            // Who may not write the space has its answer.
            if (push.Rejection is not null)
            {
                continue;
            }

            if (others + turn.AnswerBytes > push.Context.Limits.PushAnswerBytesMax || clock.GetElapsedTime(begun) > TurnBudget)
            {
                push.Decide(null);
                continue;
            }

            var (outcomes, discard) = Timed(group, push, plan);
            push.Decide(outcomes);
            turn.Discards |= discard;
            foreach (var outcome in outcomes)
            {
                turn.AnswerBytes += outcome.Body.Length;
            }
        }

        if (plan.MissesHistory && group.IsShared)
        {
            // History was cut, perhaps because the group asked for too much of it: each push finds out for itself.
            turn.GoAlone();
        }
    }

    private (IReadOnlyList<Outcome> Outcomes, bool Discard) Timed(PushGroup group, PendingPush push, SpacePlan plan)
    {
        if (push.Lost is { } lost && WasCommitted(push, plan, lost))
        {
            return (lost, false);
        }

        var begun = clock.GetTimestamp();
        var decided = PushPlan.Run(plan, push.Context.In(identity.Epoch), push.Items);
        var elapsed = clock.GetElapsedTime(begun);
        group.Longest = elapsed > group.Longest ? elapsed : group.Longest;
        if (elapsed > SlowPlan)
        {
            Log.SlowPlan(logger, push.Spec.Ops, plan.SpaceId, elapsed.TotalSeconds);
        }

        return decided;
    }

    /// <summary>
    /// Whether the commit whose answer was lost was carried out: one outcome that it would have stored tells for all of
    /// them. The client then has its first answer, which is no repeat.
    /// </summary>
    private static bool WasCommitted(PendingPush push, SpacePlan plan, IReadOnlyList<Outcome> lost)
    {
        for (var at = 0; at < lost.Count; at++)
        {
            if (lost[at] is { IsStored: true, Replayed: false } decided)
            {
                var stored = plan.FindOutcome(new OutcomeKey(push.Context.Principal, push.Items[at].OpId!));
                return stored is not null && stored.Outcome.Body.Span.SequenceEqual(decided.Body.Span);
            }
        }

        return false;
    }
}
