using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>
/// An op that made a record, and did nothing else: the record, the change and the outcome that it writes say much the same, so that they
/// can be written as one.
/// </summary>
/// <param name="Change">The change, whose patch is all of the data.</param>
/// <param name="Data">The data.</param>
/// <param name="Decided">What was answered.</param>
public readonly record struct MadeRecord(Change Change, RecordData Data, StoredOutcome Decided)
{
    /// <summary>The status of every such op.</summary>
    public const int Status = 201;

    /// <summary>The revision of every such record.</summary>
    public const int Rev = 1;

    /// <summary>The state of every such op.</summary>
    public const OutcomeState State = OutcomeState.Applied;

    /// <summary>The size of the data and of the answer, which are most of what is written.</summary>
    public long Bytes => Data.Utf8.Length + Decided.Outcome.Body.Length;

    /// <summary>All that the plan's ops did, in their order, where each of them made a record; null where one did anything else.</summary>
    public static IReadOnlyList<MadeRecord>? AllOf(SpacePlan plan)
    {
        if (plan.Changes.Count == 0 || plan.Changes.Count != plan.DecidedOutcomes.Count)
        {
            return null;
        }

        var made = new MadeRecord[plan.Changes.Count];
        for (var at = 0; at < made.Length; at++)
        {
            var change = plan.Changes[at];
            var (key, decided) = plan.DecidedOutcomes[at];
            if (!IsOf(change, key) || !IsMaking(change) || !IsPlain(decided, change) || plan.Find(change.Key) is not { Data: { } data })
            {
                return null;
            }

            made[at] = new MadeRecord(change, data, decided);
        }

        return made;
    }

    // Where all changes are such, no record is changed twice, so each is still as its change made it.
    private static bool IsMaking(Change change) => change is { Kind: OpKind.Create, Rev: Rev, Sent: null, Before: null, Patch: not null };

    private static bool IsOf(Change change, OutcomeKey key) => key.OpId == change.OpId && key.Principal == change.Principal;

    private static bool IsPlain(StoredOutcome decided, Change change) => decided.Entity == change.Key.Entity
        && decided.Outcome is { State: State, Status: Status, Rev: Rev, ConflictId: null };
}
