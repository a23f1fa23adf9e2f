using Microsoft.Extensions.Options;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>
/// Which spaces of a group are planned without being locked or read, because this process wrote them last and nobody else seems to write
/// to them. What is taken for true is compared when the plan is written; where it was not, the group goes again and trusts nothing.
/// </summary>
internal sealed class Trust(KnownSpaces spaces, IOptions<QueueOptions> options)
{
    private readonly RecentKeys _recent = new();
    private readonly int _quiet = options.Value.QuietWrites;
    private long _kept;
    private long _broken;

    /// <summary>Groups that were written with what was trusted.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    /// <summary>Groups that had to go again because it was not so.</summary>
    public long Broken => Interlocked.Read(ref _broken);

    /// <summary>What has to be loaded for the group, push by push.</summary>
    public List<LoadSpec> Begin(PushGroup group)
    {
        var specs = new List<LoadSpec>(group.Pushes.Count);
        foreach (var turn in group.Turns)
        {
            var known = group.MayTrust ? Known(turn) : null;
            group.Trusts |= known is not null;
            foreach (var push in turn.Pushes)
            {
                push.IsTakenForNew = known is not null && IsTakenForNew(push.Spec, known);
                specs.Add(known is null ? push.Spec : push.Spec with { Known = known, IsTakenForNew = push.IsTakenForNew });
            }
        }

        return specs;
    }

    /// <summary>
    /// Takes a turn back whose plan cannot be compared, because there is nothing to write, or says of something that was taken for new that it
    /// is refused: that may be a repeat, or be about a record that is there, which nobody has looked for. It goes again with the next group,
    /// under the lock.
    /// </summary>
    public void Doubt(SpaceTurn turn)
    {
        if (turn.Plan is { IsAssumed: true } plan
            && (!plan.HasWrites || turn.Pushes.Exists(static push => push is { IsTakenForNew: true, HasRefusals: true })))
        {
            spaces.Forget(turn.Line.SpaceId);
            turn.TakeBack();
        }
    }

    /// <summary>Remembers the spaces of a group as it has written them, with the roles that were loaded.</summary>
    public void Committed(PushGroup group, LoadedSpaces loaded, List<(SpacePlan Plan, Figures Figures)> written)
    {
        if (written.Exists(static row => row.Plan.IsAssumed))
        {
            Interlocked.Increment(ref _kept);
        }

        var (at, next) = (0, 0);
        foreach (var turn in group.Turns)
        {
            var isWritten = next < written.Count && written[next].Plan == turn.Plan;
            if (isWritten)
            {
                spaces.Committed(turn.Plan!, written[next++].Figures, Roles(turn, loaded, at));
                foreach (var push in turn.Pushes)
                {
                    _recent.Add(push.Spec);
                }
            }

            if (group.WasBroken && (!isWritten || !IsAllNew(turn)))
            {
                // Perhaps this is whose fault it was: what is remembered may be of long ago, or its creates were not new. Who goes on like
                // that pays for it with locks, and the others with one group in a few.
                spaces.Forget(turn.Line.SpaceId);
            }

            at += turn.Pushes.Count;
        }
    }

    private static bool IsAllNew(SpaceTurn turn) =>
        turn.Plan!.Changes.Count(static change => !change.Key.IsServers) >= turn.Pushes.Sum(static push => push.Spec.Ops);

    /// <summary>The group goes again, under locks.</summary>
    public void Broke(PushGroup group)
    {
        Interlocked.Increment(ref _broken);
        (group.MayTrust, group.WasBroken) = (false, true);
    }

    /// <summary>A space that somebody else holds is locked, without waiting, until it has been quiet again.</summary>
    public void Held(SpaceTurn turn) => spaces.Forget(turn.Line.SpaceId);

    private KnownSpace? Known(SpaceTurn turn) =>
        spaces.Find(turn.Line.SpaceId) is { } known && known.Writes >= _quiet && turn.Pushes.TrueForAll(push => MayPlanOn(known, push)) ? known : null;

    /// <summary>
    /// Not for a push that failed before, whose commit may have been carried out; nor for an atomic batch, of which nothing
    /// is written where one op fails, and so nothing compared; nor where unique values matter, of which only what is locked can be said.
    /// </summary>
    private static bool MayPlanOn(KnownSpace known, PendingPush push) =>
        push is { IsAlone: false, Losses: 0, Context.Atomic: false, Spec.HasUnique: false } && known.RoleOf(push.Spec.Principal) >= Role.Writer;

    /// <summary>
    /// A create is new, but for repeats, which mostly come soon, and for ids that are taken. Both are met by the writing statement, or where they
    /// lead to a refusal by <see cref="Doubt"/>. A conflict may be open on a record that is not there, and is met by nothing.
    /// </summary>
    private bool IsTakenForNew(LoadSpec spec, KnownSpace known) => spec.OnlyCreates && !_recent.HasAny(spec) && !known.HasOpenConflicts(spec.Records);

    private static IEnumerable<(string, Role)> Roles(SpaceTurn turn, LoadedSpaces loaded, int first)
    {
        for (var at = 0; at < turn.Pushes.Count; at++)
        {
            if (loaded.RoleOf(first + at) is { } role)
            {
                yield return (turn.Pushes[at].Spec.Principal, role);
            }
        }
    }
}
