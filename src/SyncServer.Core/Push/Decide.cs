using System.Globalization;
using SyncServer.Core.Conflicts;
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

    /// <summary>The decision about <paramref name="op"/> on the space as <paramref name="plan"/> holds it.</summary>
    public static Decision About(SpacePlan plan, PushContext context, Op op)
    {
        if (OtherEpoch(context) is { } resync)
        {
            return resync;
        }

        if (!op.IsStrict && op.BaseRev is null && op.Kind != OpKind.Create)
        {
            return new Decision.Refuse(Rejection.At("/baseRev", "This op needs the revision that the user saw.", ErrorCode.PreconditionRequired), Stored: false);
        }

        var conflict = op.IsStrict ? null : plan.FindConflict(new ConflictSlot(op.Key, context.Principal, context.Device));
        var joins = context.Device.Length > 0 && conflict?.Covers(op) == true;
        if (Dependency(plan, context, op, joins ? conflict : null) is { } missing)
        {
            return missing;
        }

        return plan.Find(op.Key) is { } current
            ? joins && !IsAhead(op, current) ? new Decision.Join(conflict!) : OnRecord(plan, context, op, current)
            : joins ? new Decision.Join(conflict!) : OnNothing(op, context);
    }

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

    private static Decision OnNothing(Op op, PushContext context)
    {
        if (op.Kind == OpKind.Create)
        {
            return op.Precondition is { MustExist: true } ? NotHeld() : Write(context, OpKind.Create, MergePatch.Apply(null, op.Patch));
        }

        // PUT with If-Match is a precondition that does not hold (RFC 9110, 13.1.1); the others never had a target.
        return op.Replaces ? NotHeld() : new Decision.Refuse(NeverExisted, Stored: false);
    }

    private static Decision OnRecord(SpacePlan plan, PushContext context, Op op, SyncRecord current)
    {
        if (op.Precondition?.Holds(current.Rev, current.Deleted) == false)
        {
            return NotHeld();
        }

        if (op.IsPlainHttp && current.Deleted && op.Kind is OpKind.Update or OpKind.Delete)
        {
            return new Decision.Refuse(new Rejection(ErrorCode.Gone, "The record is deleted."), Stored: true);
        }

        if (op.Kind == OpKind.Create)
        {
            return AlreadyExists(current, MergePatch.Apply(null, op.Patch), "A record with this id exists or existed.");
        }

        if (IsAhead(op, current))
        {
            return Resync("ahead", "baseRev is above the record's revision: the database lost changes that the client saw.");
        }

        var since = op.IsStrict ? [] : plan.Since(current, op.BaseRev!.Value);
        var isForeign = op is { IsStrict: false, BaseRev: 0 } && since is not null && !context.IsOwn(since[0]);
        if (since is null || isForeign)
        {
            return ParkUnknownBase(op, current, since is null
                ? "The history between baseRev and now is not known any more."
                : "The record with this id was not made by this device.");
        }

        var views = Views.Of(RecordState.Of(current), since, op, context.IsOwn);
        return op.Kind switch
        {
            OpKind.Update => Update(context, op, current, views),
            OpKind.Delete => Delete(current, views),
            _ => Restore(op, current, views),
        };
    }

    private static Decision Update(PushContext context, Op op, SyncRecord current, Views views)
    {
        var theirs = current.Data?.Value ?? JsonObject.Empty;
        var yours = views.Yours.Data ?? JsonObject.Empty;
        var basis = views.Base.Data ?? JsonObject.Empty;
        if (views.Yours.Deleted && !views.Wanted.Deleted)
        {
            // The device deleted the record after this edit, whoever restored it since.
            return new Decision.Keep(OwnLater(views, current, current.Deleted ? null : theirs));
        }

        if (current.Deleted)
        {
            return JsonValue.Same(yours, basis) && current.Data is not null
                ? new Decision.Keep(OwnLater(views, current, null))
                : new Decision.Park(ErrorCode.DeletedElsewhere, "The record was deleted.",
                    new ParkedStates(basis, null, yours), EditedPaths(op, basis, null, yours));
        }

        var merge = ThreeWay.Merge(basis, theirs, yours, _ => FieldPolicy.Review);
        if (merge.Conflicts.Count > 0)
        {
            return new Decision.Park(ErrorCode.Conflict, "The op touches what somebody else changed since baseRev.",
                new ParkedStates(basis, theirs, yours), merge.Conflicts);
        }

        var othersChanged = merge.Explanations.Any(path => !JsonValue.Same(path.Theirs, path.Base));
        var explanations = othersChanged || views.Superseded.Count > 0
            ? OwnLater(views, current, merge.Merged).Concat(merge.Explanations).ToList()
            : null;
        return JsonValue.Same(merge.Merged, theirs)
            ? new Decision.Keep(explanations)
            : Write(context, OpKind.Update, merge.Merged, explanations);
    }

    private static Decision Delete(SyncRecord current, Views views)
    {
        if (current.Deleted)
        {
            return new Decision.Keep([]);
        }

        if (views.Superseded.Count > 0 || views.Base.Deleted)
        {
            return new Decision.Keep(OwnLater(views, current, current.Data!.Value));
        }

        var basis = views.Base.Data ?? JsonObject.Empty;
        if (JsonValue.Same(basis, current.Data!.Value))
        {
            return new Decision.Apply(OpKind.Delete, null);
        }

        var edits = MergePatch.Touched(MergePatch.Diff(basis, current.Data.Value));
        return new Decision.Park(ErrorCode.EditedElsewhere, "The record was edited since baseRev.",
            new ParkedStates(basis, current.Data.Value, null),
            [.. edits.Select(path => new Explanation(path, Explanation.OnEditDelete, JsonPointer.Find(basis, path), JsonPointer.Find(current.Data.Value, path), null))]);
    }

    private static Decision Restore(Op op, SyncRecord current, Views views)
    {
        if (!current.Deleted)
        {
            return op.IsPlainHttp
                ? new Decision.Refuse(new Rejection(ErrorCode.AlreadyExists, "The record is not deleted."), Stored: true)
                : AlreadyExists(current, current.Data!.Value, "The record is not deleted.");
        }

        if (current.Data is null)
        {
            return new Decision.Refuse(new Rejection(ErrorCode.Purged, "The data of the deleted record was purged."), Stored: true);
        }

        return views.Yours.Deleted
            ? new Decision.Keep(OwnLater(views, current, null))
            : new Decision.Apply(OpKind.Restore, null);
    }

    internal static Decision Write(PushContext context, OpKind kind, JsonObject data, IReadOnlyList<Explanation>? merge = null)
    {
        var bytes = data.ToUtf8().Length;
        var limit = context.Limits.RecordBytesMax;
        return bytes <= limit
            ? new Decision.Apply(kind, data, merge)
            : new Decision.Refuse(
                Rejection.At("", string.Create(CultureInfo.InvariantCulture, $"The record's data would be {bytes} bytes; the limit is {limit}."), ErrorCode.Rejected),
                Stored: true);
    }

    private static Decision.Park AlreadyExists(SyncRecord current, JsonObject yours, string detail)
    {
        var theirs = current.Deleted ? null : current.Data?.Value;
        var paths = MergePatch.Touched(yours)
            .Where(path => !JsonValue.Same(JsonPointer.Find(theirs, path), JsonPointer.Find(yours, path)))
            .Select(path => new Explanation(path, FieldPolicy.Review.Name, null, JsonPointer.Find(theirs, path), JsonPointer.Find(yours, path)));
        return new Decision.Park(ErrorCode.AlreadyExists, detail, new ParkedStates(null, theirs, yours), [.. paths]);
    }

    /// <summary>The op goes to review with what it wants and what is there; nothing is guessed about what the device saw.</summary>
    private static Decision ParkUnknownBase(Op op, SyncRecord current, string detail)
    {
        if (op.Kind == OpKind.Delete && current.Deleted)
        {
            return new Decision.Keep([]);
        }

        if (op.Kind == OpKind.Restore && current.Deleted)
        {
            return Restore(op, current, new Views(RecordState.Of(current), default, default, []));
        }

        var theirs = current.Deleted ? null : current.Data?.Value;
        var yours = op.Kind == OpKind.Delete ? null : MergePatch.Apply(theirs, op.Patch);
        var kind = op.Kind switch
        {
            OpKind.Delete => ErrorCode.EditedElsewhere,
            OpKind.Restore => ErrorCode.AlreadyExists,
            _ => current.Deleted ? ErrorCode.DeletedElsewhere : ErrorCode.Conflict,
        };
        return new Decision.Park(kind, detail, new ParkedStates(null, theirs, yours), EditedPaths(op, null, theirs, yours));
    }

    private static List<Explanation> EditedPaths(Op op, JsonObject? basis, JsonObject? theirs, JsonObject? yours)
    {
        var rule = theirs is null || yours is null ? Explanation.OnEditDelete : FieldPolicy.Review.Name;
        return [.. op.Touched().Select(path => new Explanation(path, rule,
            JsonPointer.Find(basis, path), JsonPointer.Find(theirs, path), JsonPointer.Find(yours, path)))];
    }

    private static List<Explanation> OwnLater(Views views, SyncRecord current, JsonObject? merged)
    {
        var theirs = current.Deleted ? null : current.Data?.Value;
        return [.. views.Superseded.Select(path => new Explanation(path, Explanation.OwnLater, JsonPointer.Find(views.Base.Data, path),
            JsonPointer.Find(theirs, path), JsonPointer.Find(views.Wanted.Data, path), JsonPointer.Find(merged, path)))];
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
