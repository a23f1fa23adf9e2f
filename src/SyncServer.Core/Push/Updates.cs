using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>Decides an update of a record whose history since the op's base is known (protocol 4).</summary>
internal static class Updates
{
    /// <summary>The decision; <c>Since</c> are the changes after the base, oldest first.</summary>
    public static Decision Of(SpacePlan plan, PushContext context, Op op, (Views Views, IReadOnlyList<Change> Since) ground)
    {
        var current = plan.Find(op.Key)!;
        var views = ground.Views;
        var theirs = current.Data?.Value ?? JsonObject.Empty;
        if (views.Yours.Deleted && !views.Wanted.Deleted)
        {
            // The device deleted the record after this edit, whoever restored it since.
            return new Decision.Keep(views.OwnLater(current.Deleted ? null : theirs, current.Deleted ? null : theirs));
        }

        var yours = views.Yours.Data ?? JsonObject.Empty;
        var basis = views.Base.Data ?? JsonObject.Empty;
        var onEditDelete = context.DefinitionOf(op.Key).OnEditDelete;
        // Without a base, values that the tombstone has too say nothing about whether their user saw the delete.
        var knowsBase = op.IsStrict || op.BaseRev is not null;
        if (current.Deleted && JsonValue.Same(yours, basis) && current.Data is not null && (knowsBase || onEditDelete == OnEditDelete.DeleteWins))
        {
            return new Decision.Keep(knowsBase ? views.OwnLater(null, null) : Reported(op, yours, merged: null));
        }

        if (current.Deleted && (onEditDelete == OnEditDelete.Review || current.Data is null))
        {
            return new Decision.Park(ErrorCode.DeletedElsewhere, "The record was deleted.",
                new ParkedStates(basis, null, yours), Decide.EditedPaths(op, basis, null, yours));
        }

        var merge = ThreeWay.Merge(basis, theirs, yours, RulesOf(context, op, ground));
        if (merge.Problems.Count > 0)
        {
            return Acceptance.Refused(merge.Problems);
        }

        // Where the delete wins, nothing is left to ask about.
        if (merge.Conflicts.Count > 0 && !(current.Deleted && onEditDelete == OnEditDelete.DeleteWins))
        {
            return new Decision.Park(current.Deleted ? ErrorCode.DeletedElsewhere : ErrorCode.Conflict,
                "The op touches what somebody else changed since baseRev.",
                new ParkedStates(basis, current.Deleted ? null : theirs, yours), merge.Conflicts);
        }

        return current.Deleted
            ? OnTombstone(plan, context, op, (merge, knowsBase ? null : yours))
            : OnLive(plan, context, op, (views, merge));
    }

    private static Decision OnLive(SpacePlan plan, PushContext context, Op op, (Views Views, MergeResult Merge) result)
    {
        var theirs = plan.Find(op.Key)!.Data!.Value;
        var (views, merge) = result;
        // Without a base, a value that a larger one outdoes is no change of others, and yet did not survive.
        var isMerged = merge.Explanations.Any(path => !JsonValue.Same(path.Theirs, path.Base) || !JsonValue.Same(path.Merged, path.Yours));
        var explanations = isMerged || views.Superseded.Count > 0
            ? views.OwnLater(theirs, merge.Merged).Concat(merge.Explanations).ToList()
            : null;
        return JsonValue.Same(merge.Merged, theirs)
            ? new Decision.Keep(explanations)
            : Acceptance.Of(plan, context, op, new Decision.Apply(OpKind.Update, merge.Merged, explanations));
    }

    /// <summary>The edit restores the record, or goes into history while the tombstone stays; what lost is reported.</summary>
    private static Decision OnTombstone(SpacePlan plan, PushContext context, Op op, (MergeResult Merge, JsonObject? WithoutBase) result)
    {
        var wins = context.DefinitionOf(op.Key).OnEditDelete == OnEditDelete.EditWins;
        var (merge, withoutBase) = result;
        var explanations = withoutBase is { } yours
            ? Reported(op, yours, wins ? merge.Merged : null)
            : [.. merge.Explanations.Concat(merge.Conflicts)
                .Where(path => !JsonValue.Same(path.Yours, path.Base))
                .Select(path => path with { Rule = Explanation.OnEditDelete, Theirs = null, Merged = wins ? path.Merged : null })];
        return Acceptance.Of(plan, context, op,
            new Decision.Apply(wins ? OpKind.Restore : OpKind.Update, merge.Merged, explanations));
    }

    /// <summary>What an op without a base did to a tombstone: all that it touches, and no base, which nobody knows.</summary>
    private static List<Explanation> Reported(Op op, JsonObject yours, JsonObject? merged) => Decide.EditedPaths(op, null, null, yours)
        .ConvertAll(path => path with { Merged = JsonPointer.Find(merged, path.Path) });

    private static MergeRules RulesOf(PushContext context, Op op, (Views Views, IReadOnlyList<Change> Since) ground)
    {
        var superseded = ground.Views.Superseded.ToHashSet(StringComparer.Ordinal);
        return new MergeRules(context.DefinitionOf(op.Key))
        {
            Operators = op.Touched()
                .Where(touched => touched.Operator is not null && !superseded.Contains(touched.Path))
                .ToDictionary(touched => touched.Path, touched => touched.Operator!, StringComparer.Ordinal),
            Foreign = ground.Since.Where(change => !change.IsUnchanged && !context.IsOwn(change)).SelectMany(change => change.Touched()).Select(touched => touched.Path),
            KnowsBase = op.IsStrict || op.BaseRev is not null,
        };
    }
}
