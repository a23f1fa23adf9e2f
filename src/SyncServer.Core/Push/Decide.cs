using SyncServer.Core.Conflicts;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>
/// Decides one op that is not a repeat (protocol 3.2, 4): a function of the loaded state. Nothing is written here.
/// </summary>
public static class Decide
{
    private static readonly Rejection NeverExisted = new(ErrorCode.RecordNotFound, "No record with this id has ever existed here; perhaps its create is still on the way.");

    internal const string TooManyMerges = "The push asks for too many merges at once; send the rest of it again.";

    /// <summary>The decision about <paramref name="op"/> on the space as <paramref name="plan"/> holds it.</summary>
    public static Decision About(SpacePlan plan, PushContext context, Op op)
    {
        if (OtherEpoch(context) is { } resync)
        {
            return resync;
        }

        if (!op.IsStrict && op.BaseRev is null && op.Kind != OpKind.Create && NeedsBase(op, context.DefinitionOf(op.Key)))
        {
            return new Decision.Refuse(Rejection.At("/baseRev", "This op needs the revision that the user saw.", ErrorCode.PreconditionRequired), Stored: false);
        }

        if ((Acceptance.TooManyEntities(context, plan, op) ?? Acceptance.TooLarge(context, op)) is { } beyond)
        {
            return beyond;
        }

        var conflict = op.IsStrict ? null : plan.FindConflict(new ConflictSlot(op.Key, context.Principal, context.Device));
        var joins = context.Device.Length > 0 && conflict?.Covers(op) == true;
        if (Dependency(plan, context, op, joins ? conflict : null) is { } missing)
        {
            return missing;
        }

        return plan.Find(op.Key) is { } current
            ? joins && !IsAhead(op, current) ? new Decision.Join(conflict!) : OnRecord(plan, context, op, current)
            : joins ? new Decision.Join(conflict!) : OnNothing(plan, context, op);
    }

    /// <summary>
    /// Of an op that is no create: without the revision that the user saw goes an update of nothing but fields where it does not
    /// matter, with operators that commute, or with a plain value under <c>lww</c>, <c>max</c> or <c>min</c>.
    /// </summary>
    private static bool NeedsBase(Op op, EntityDefinition definition) =>
        op.Kind != OpKind.Update || op.Patch.Count == 0 || !op.Touched().All(touched =>
        {
            var policy = definition.MergePolicyOf(touched.Path);
            return touched.Operator is null
                ? policy == FieldPolicy.Lww || policy == FieldPolicy.Max || policy == FieldPolicy.Min
                : policy != FieldPolicy.Strict && policy != FieldPolicy.Keep && !definition.IsImmutable(touched.Path);
        });

    private static Decision.Refuse? Dependency(SpacePlan plan, PushContext context, Op op, ParkedConflict? joined)
    {
        foreach (var id in op.DependsOn)
        {
            var dependency = plan.FindOutcome(new OutcomeKey(context.Principal, id));
            var isParkedHere = joined?.Ops.Any(parked => parked.OpId == id) == true;
            if (dependency?.Satisfies != true && !isParkedHere)
            {
                var state = dependency?.Outcome.State ?? OutcomeState.Unknown;
                return new Decision.Refuse(new Rejection(ErrorCode.DependencyFailed, "An op that this one depends on is not applied."), Stored: false)
                {
                    Dependency = (id, state),
                };
            }
        }

        return null;
    }

    private static Decision OnNothing(SpacePlan plan, PushContext context, Op op)
    {
        if (op.Kind == OpKind.Create)
        {
            return op.Precondition is { MustExist: true } ? NotHeld() : Create(plan, context, op);
        }

        // PUT with If-Match is a precondition that does not hold (RFC 9110, 13.1.1); the others never had a target.
        return op.Replaces ? NotHeld() : new Decision.Refuse(NeverExisted, Stored: false);
    }

    private static Decision Create(SpacePlan plan, PushContext context, Op op)
    {
        var problems = new List<FieldError>();
        var data = op.Replaces ? MergePatch.Apply(null, op.Patch) : Intent.Apply(null, op.Patch, context.DefinitionOf(op.Key), problems);
        return problems.Count == 0
            ? Acceptance.Of(plan, context, op, new Decision.Apply(OpKind.Create, data))
            : Acceptance.Refused(problems);
    }

    private static Decision OnRecord(SpacePlan plan, PushContext context, Op op, SyncRecord current)
    {
        if (op.Precondition?.Holds(current.Rev, current.Deleted) == false)
        {
            return NotHeld();
        }

        if (op.IsStrict && current.Deleted && op.Kind is OpKind.Update or OpKind.Delete)
        {
            return new Decision.Refuse(new Rejection(ErrorCode.Gone, "The record is deleted."), Stored: true);
        }

        if (op.Kind == OpKind.Create)
        {
            return AlreadyExists(op, current, Intent.Apply(null, op.Patch, context.DefinitionOf(op.Key)), "A record with this id exists or existed.");
        }

        if (IsAhead(op, current))
        {
            return Resync("ahead", "baseRev is above the record's revision: the database lost changes that the client saw.");
        }

        var since = op.IsStrict || op.BaseRev is null ? [] : plan.Since(current, op.BaseRev.Value, context.Principal);
        var isForeign = op is { IsStrict: false, BaseRev: 0 } && since is not null && !context.IsOwn(since[0]);
        if (since is null || isForeign)
        {
            return ParkUnknownBase(plan, context, op, since is null
                ? "The history between baseRev and now is not known any more."
                : "The record with this id was not made by this device.");
        }

        var knowsBase = op.IsStrict || op.BaseRev is not null;
        var later = knowsBase ? [] : plan.OwnLater(op.Key, op.N, context.IsOwn);
        var device = plan.DeviceOn(op.Key, op.IsStrict ? current.Rev : op.BaseRev ?? current.Rev, context.Author);
        var rules = new ViewRules(context.DefinitionOf(op.Key), context.IsOwn, device);
        var bytes = current.Data?.Utf8.Length ?? 0;
        var work = knowsBase ? device.WorkOf(since, op, bytes, rules) : Views.WorkOf(later, op, bytes);
        if (work > Limits.MergeWork)
        {
            return ParkUnknownBase(plan, context, op, "Too much lies between what the user saw and now to be merged.");
        }

        if (!plan.Spend(work))
        {
            return new Decision.Refuse(
                new Rejection(ErrorCode.TooManyRequests, TooManyMerges), Stored: false);
        }

        var views = knowsBase
            ? Views.Of(RecordState.Of(current), since, op, rules)
            : Views.WithoutBase(RecordState.Of(current), later, op, rules);
        return op.Kind switch
        {
            OpKind.Update => Updates.Of(plan, context, op, (views, since)),
            OpKind.Delete => Delete(plan, context, op, views),
            _ => Restore(plan, context, op, views),
        };
    }

    private static Decision Delete(SpacePlan plan, PushContext context, Op op, Views views)
    {
        var current = plan.Find(op.Key)!;
        if (current.Deleted)
        {
            return new Decision.Keep([]);
        }

        var theirs = current.Data!.Value;
        if (views.Superseded.Count > 0 || views.Base.Deleted)
        {
            return new Decision.Keep(views.OwnLater(theirs, theirs));
        }

        var basis = views.Base.Data ?? JsonObject.Empty;
        if (JsonValue.Same(basis, theirs))
        {
            return Acceptance.Of(plan, context, op, new Decision.Apply(OpKind.Delete, null));
        }

        var onEditDelete = context.DefinitionOf(op.Key).OnEditDelete;
        var edits = MergePatch.Touched(MergePatch.Diff(basis, theirs)).Select(path => new Explanation(
            path, Explanation.OnEditDelete, JsonPointer.Find(basis, path), JsonPointer.Find(theirs, path), null)).ToList();
        if (onEditDelete == OnEditDelete.EditWins)
        {
            return new Decision.Keep([.. edits.Select(edit => edit with { Merged = edit.Theirs })]);
        }

        return onEditDelete == OnEditDelete.DeleteWins
            ? Acceptance.Of(plan, context, op, new Decision.Apply(OpKind.Delete, null, edits))
            : new Decision.Park(ErrorCode.EditedElsewhere, "The record was edited since baseRev.", new ParkedStates(basis, theirs, null), edits);
    }

    private static Decision Restore(SpacePlan plan, PushContext context, Op op, Views views)
    {
        var current = plan.Find(op.Key)!;
        if (!current.Deleted)
        {
            return AlreadyExists(op, current, current.Data!.Value, "The record is not deleted.");
        }

        if (current.Data is null)
        {
            return new Decision.Refuse(new Rejection(ErrorCode.Purged, "The data of the deleted record was purged."), Stored: true);
        }

        return views.Yours.Deleted
            ? new Decision.Keep(views.OwnLater(null, null))
            : Acceptance.Of(plan, context, op, new Decision.Apply(OpKind.Restore, null));
    }

    private static Decision AlreadyExists(Op op, SyncRecord current, JsonObject yours, string detail)
    {
        if (op.IsStrict)
        {
            return new Decision.Refuse(new Rejection(ErrorCode.AlreadyExists, detail), Stored: true);
        }

        var theirs = current.Deleted ? null : current.Data?.Value;
        var paths = MergePatch.Touched(yours)
            .Where(path => !JsonValue.Same(JsonPointer.Find(theirs, path), JsonPointer.Find(yours, path)))
            .Select(path => new Explanation(path, FieldPolicy.Review.Name, null, JsonPointer.Find(theirs, path), JsonPointer.Find(yours, path)));
        return new Decision.Park(ErrorCode.AlreadyExists, detail, new ParkedStates(null, theirs, yours), [.. paths]);
    }

    /// <summary>The op goes to review with what it wants and what is there; nothing is guessed about what the device saw.</summary>
    private static Decision ParkUnknownBase(SpacePlan plan, PushContext context, Op op, string detail)
    {
        var current = plan.Find(op.Key)!;
        if (op.Kind == OpKind.Delete && current.Deleted)
        {
            return new Decision.Keep([]);
        }

        // Whoever restores saw a tombstone, and it is one; but with base 0 it has to be the device's own.
        if (op.Kind == OpKind.Restore && current.Deleted && (op.BaseRev != 0 || current.Data is null))
        {
            return Restore(plan, context, op, new Views(RecordState.Of(current), default, default, []));
        }

        var theirs = current.Deleted ? null : current.Data?.Value;
        var yours = op.Kind == OpKind.Delete ? null
            : Intent.Apply(op.Kind == OpKind.Restore ? current.Data?.Value : theirs, op.Patch, context.DefinitionOf(op.Key));
        var kind = op.Kind switch
        {
            OpKind.Delete => ErrorCode.EditedElsewhere,
            OpKind.Restore => current.Deleted ? ErrorCode.Conflict : ErrorCode.AlreadyExists,
            _ => current.Deleted ? ErrorCode.DeletedElsewhere : ErrorCode.Conflict,
        };
        return new Decision.Park(kind, detail, new ParkedStates(null, theirs, yours), EditedPaths(op, null, theirs, yours));
    }

    /// <summary>What an op touches, as the three sides have it; a side that is null is deleted or unknown.</summary>
    internal static List<Explanation> EditedPaths(Op op, JsonObject? basis, JsonObject? theirs, JsonObject? yours)
    {
        var rule = theirs is null || yours is null ? Explanation.OnEditDelete : FieldPolicy.Review.Name;
        return [.. op.Touched().Select(touched => touched.Path).Select(path => new Explanation(path, rule,
            JsonPointer.Find(basis, path), JsonPointer.Find(theirs, path), JsonPointer.Find(yours, path)))];
    }

    private static bool IsAhead(Op op, SyncRecord current) => !op.IsStrict && op.BaseRev > current.Rev;

    internal static Decision.Refuse NotHeld() =>
        new(new Rejection(ErrorCode.PreconditionFailed, "The precondition does not hold for the record as it is."), Stored: true);

    /// <summary>The refusal of every write whose client knows another history of the database; null for the others.</summary>
    internal static Decision.Refuse? OtherEpoch(PushContext context) => context.ClientEpoch is { } epoch && epoch != context.Epoch
        ? Resync("epoch", "The database has another history than the client knows.")
        : null;

    private static Decision.Refuse Resync(string reason, string detail) =>
        new(new Rejection(ErrorCode.ResyncRequired, detail), Stored: false) { ResyncReason = reason };
}
