using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Conflicts;

/// <summary>Whose work a resolution keeps; the numbers are stored.</summary>
public enum ResolutionChoice
{
    /// <summary>The record stays as it is; what was parked stays readable with the conflict.</summary>
    Theirs = 0,

    /// <summary>The parked paths are set on the record as it is now, without a merge.</summary>
    Mine = 1,

    /// <summary>A patch that somebody made of both is applied to the record as it is now.</summary>
    Merge = 2,
}

/// <summary>A resolution as it was asked for (protocol 7).</summary>
/// <param name="ConflictId">The conflict.</param>
/// <param name="Choice">Whose work stays.</param>
/// <param name="Patch">What <see cref="ResolutionChoice.Merge"/> applies; empty for the others.</param>
/// <param name="N">The device's counter, or null.</param>
/// <param name="Precondition">Of the record; null where the request had none.</param>
public sealed record ResolutionRequest(string ConflictId, ResolutionChoice Choice, JsonObject Patch, long? N, Precondition? Precondition)
{
    /// <summary>The request of a body, or why it is none.</summary>
    public static (ResolutionChoice Choice, JsonObject Patch, Rejection? Rejection) Read(JsonValue body)
    {
        var members = body as JsonObject;
        ResolutionChoice? choice = (members?["choice"] as JsonString)?.Text switch
        {
            "mine" => ResolutionChoice.Mine,
            "theirs" => ResolutionChoice.Theirs,
            "merge" => ResolutionChoice.Merge,
            _ => null,
        };
        var patch = members?["patch"] is { } value && !value.Equals(JsonLiteral.Null) ? value : null;
        var rejection = choice switch
        {
            null => Rejection.At("/choice", "choice is mine, theirs or merge."),
            ResolutionChoice.Merge when patch is not JsonObject => Rejection.At("/patch", "A merge carries a patch: a JSON object."),
            not ResolutionChoice.Merge when patch is not null => Rejection.At("/patch", "Only a merge carries a patch."),
            _ => null,
        };
        return (choice ?? default, patch as JsonObject ?? JsonObject.Empty, rejection);
    }
}

/// <summary>
/// Resolves a conflict: an op like any other, which closes the conflict in the transaction that writes the record. A
/// refusal leaves it open.
/// </summary>
public static class Resolution
{
    private static readonly Rejection ResolvedBefore = new(ErrorCode.AlreadyResolved, "The conflict was resolved before.");

    /// <summary>Where the conflict of a request lies.</summary>
    public static RecordKey HolderOf(string conflictId) => new(RecordKey.ConflictEntity, conflictId);

    /// <summary>
    /// Decides in the order of the protocol: a repeat, a conflict that is resolved already, a missing precondition, one
    /// that does not hold, and then the choice.
    /// </summary>
    public static Outcome Run(SpacePlan plan, PushContext context, KeyedRequest keyed, ResolutionRequest request)
    {
        if (keyed.Undecidable(plan, context) is { } answer)
        {
            return answer;
        }

        if (plan.Find(HolderOf(request.ConflictId)) is not { Data: { } held } holder)
        {
            return WithoutContent(plan, context, keyed, request);
        }

        var conflict = ParkedConflict.FromJson(held.Value);
        var op = OpOf(conflict, keyed, request);
        var outcome = PushPlan.Carry(plan, context, op, About(plan, context, op, (holder, conflict, request)));
        if (outcome.IsSuccess)
        {
            // A PUT hides the ETag of data that is not what it sent; here nobody sent any.
            outcome = outcome with { ETag = plan.Find(op.Key)?.ETag };
            plan.Close(context.Author, op, conflict, request.Choice);
        }

        if (outcome.IsStored)
        {
            plan.Decide(new OutcomeKey(context.Principal, keyed.Key), new StoredOutcome(outcome, keyed.Fingerprint) { Entity = op.Key.Entity });
        }

        return outcome;
    }

    /// <summary>A conflict that never was, or one whose tombstone is purged: that it was resolved is known for ever.</summary>
    private static Outcome WithoutContent(SpacePlan plan, PushContext context, KeyedRequest keyed, ResolutionRequest request)
    {
        var occurrence = new Occurrence(context.Instance!, context.TraceId, keyed.Key);
        return plan.Find(HolderOf(request.ConflictId)) is null
            ? PushPlan.Refusal(new Rejection(ErrorCode.NotFound, "There is no such conflict here."), occurrence, OutcomeState.Unknown)
            : keyed.Decided(plan, context, PushPlan.Refusal(ResolvedBefore, occurrence, OutcomeState.Rejected));
    }

    private static Op OpOf(ParkedConflict conflict, KeyedRequest keyed, ResolutionRequest request)
    {
        var isMine = request.Choice == ResolutionChoice.Mine;
        return new Op
        {
            OpId = keyed.Key,
            Key = conflict.Slot.Key,
            Kind = isMine && conflict.Yours is null ? OpKind.Delete : OpKind.Update,
            Patch = request.Patch,
            Replaces = isMine,
            N = request.N,
            Fingerprint = keyed.Fingerprint,
            Precondition = request.Precondition,
            IsPlainHttp = true,
        };
    }

    private static Decision About(
        SpacePlan plan, PushContext context, Op op, (SyncRecord Holder, ParkedConflict Conflict, ResolutionRequest Request) ask)
    {
        if (ask.Holder.Deleted)
        {
            return new Decision.Refuse(ResolvedBefore, Stored: true);
        }

        if (op.Precondition is null)
        {
            return new Decision.Refuse(
                new Rejection(ErrorCode.PreconditionRequired, "A resolution needs If-Match of the record, or If-None-Match: * where there is none."),
                Stored: false);
        }

        var current = plan.Find(op.Key);
        if (!op.Precondition.Holds(current?.Rev, deleted: false))
        {
            return Decide.NotHeld();
        }

        if (ask.Request.Choice == ResolutionChoice.Theirs || (op.Kind == OpKind.Delete && current is not { Deleted: false }))
        {
            return new Decision.Keep();
        }

        return op.Kind == OpKind.Delete
            ? Acceptance.Of(plan, context, op, new Decision.Apply(OpKind.Delete, null))
            : Acceptance.TooLarge(context, op) ?? Written(plan, context, op, ask.Conflict);
    }

    /// <summary>
    /// The record as it is now with every patch in order: values are set, and operators are done to what is there. Where the
    /// data of a tombstone is purged, the conflict still holds what it was.
    /// </summary>
    private static Decision Written(SpacePlan plan, PushContext context, Op op, ParkedConflict conflict)
    {
        var current = plan.Find(op.Key);
        var problems = new List<FieldError>();
        var patches = op.Replaces ? conflict.Ops.Select(parked => parked.Patch) : [op.Patch];
        var data = patches.Aggregate(current?.Data?.Value ?? conflict.Theirs ?? conflict.Base ?? JsonObject.Empty,
            (data, patch) => Intent.Apply(data, patch, context.DefinitionOf(op.Key), problems));
        if (problems.Count > 0)
        {
            return Acceptance.Refused(problems);
        }

        var kind = current is null ? OpKind.Create : current.Deleted ? OpKind.Restore : OpKind.Update;
        return kind == OpKind.Update && JsonValue.Same(data, current!.Data?.Value)
            ? new Decision.Keep()
            : Acceptance.Of(plan, context, op, new Decision.Apply(kind, data));
    }
}
