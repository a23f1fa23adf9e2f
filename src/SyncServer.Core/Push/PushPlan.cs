using System.Text.Json;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>
/// One item of a push: an op, or what kept it from being one. An op with a rejection is refused with it, unless its key
/// was used before.
/// </summary>
public readonly record struct PushItem(Op? Op, string? OpId, Rejection? Rejection);

/// <summary>
/// Loaded state and ops to rows and outcomes (protocol 3.2 to 3.4). One outcome comes back per item, in order, and
/// the writes stand in the <see cref="SpacePlan"/>.
/// </summary>
public static class PushPlan
{
    /// <summary>
    /// Decides all items in order. <paramref name="plan"/> must be written whole, or thrown away where the second value
    /// says that nothing may be stored: after a dry run, and after an atomic batch that failed. Several pushes, of several
    /// principals, may be decided on one plan one after the other; an atomic one has a plan of its own.
    /// </summary>
    public static (IReadOnlyList<Outcome> Outcomes, bool Discard) Run(SpacePlan plan, PushContext context, IReadOnlyList<PushItem> items)
    {
        plan.BeginPush();
        var outcomes = InOrder(plan, context, items);
        plan.WriteParked(context.Author);
        var fault = context.Atomic ? Array.FindIndex(outcomes, static outcome => !CountsAsApplied(outcome)) : -1;
        return (fault >= 0 ? Failed(plan, context, items, (outcomes, fault)) : outcomes, context.DryRun || fault >= 0);
    }

    /// <summary>Every item that the answer has room for; those behind it are refused, and may be sent again.</summary>
    private static Outcome[] InOrder(SpacePlan plan, PushContext context, IReadOnlyList<PushItem> items)
    {
        var outcomes = new Outcome[items.Count];
        var bytes = 0L;
        for (var at = 0; at < outcomes.Length; at++)
        {
            var item = items[at];
            outcomes[at] = bytes < context.Limits.PushAnswerBytesMax ? One(plan, context, item) : NoRoom(context, item.OpId);
            bytes += outcomes[at].Body.Length;
        }

        return outcomes;
    }

    /// <summary>An atomic batch that failed: only what had been applied before it keeps its answer, and what it failed at.</summary>
    private static Outcome[] Failed(SpacePlan plan, PushContext context, IReadOnlyList<PushItem> items, (Outcome[] Outcomes, int Fault) decided)
    {
        return [.. decided.Outcomes.Select((outcome, i) =>
            i == decided.Fault || (CountsAsApplied(outcome) && WasStored(items[i])) ? outcome : BatchFailed(context, items[i].OpId))];

        // The repeat of an op of this very batch falls with it.
        bool WasStored(PushItem item) => item.OpId is { } opId && plan.WasStored(new OutcomeKey(context.Principal, opId));
    }

    // What was applied is applied, also where nobody knows any more how it was answered.
    private static bool CountsAsApplied(Outcome outcome) => outcome.IsSuccess || outcome.IsExpiredSuccess;

    private static Outcome One(SpacePlan plan, PushContext context, PushItem item)
    {
        if (item.Op is not { } op)
        {
            return Refusal(item.Rejection!, Occurred(context, item.OpId), OutcomeState.Unknown);
        }

        var key = new OutcomeKey(context.Principal, op.OpId);
        if (plan.FindOutcome(key) is { } first)
        {
            return Repeat(plan, context, op, first);
        }

        if (item.Rejection is { } rejection)
        {
            return Refusal(rejection, Occurred(context, op.OpId), OutcomeState.Unknown);
        }

        var outcome = Carry(plan, context, op, Decide.About(plan, context, op));
        if (outcome.IsStored)
        {
            plan.Decide(key, new StoredOutcome(outcome, op.Fingerprint) { Entity = op.Key.Entity });
        }

        return outcome;
    }

    /// <summary>
    /// The first answer again, 422 where the key came with another request, or a refusal where there was no room to load the
    /// answer; the first outcome stays either way.
    /// </summary>
    public static Outcome Repeat(SpacePlan plan, PushContext context, string opId, ReadOnlyMemory<byte> fingerprint, StoredOutcome first)
    {
        if (!first.Fingerprint.Span.SequenceEqual(fingerprint.Span))
        {
            plan.Tallies.Add(first.Entity, new Tally { Reused = 1 });
            return Refusal(new Rejection(ErrorCode.IdempotencyKeyReused, "This key was used for another request, whose outcome stands."),
                Occurred(context, opId), OutcomeState.Unknown, writer => WriteFirst(writer, first));
        }

        if (first.IsBodyLeft)
        {
            return NoRoom(context, opId);
        }

        plan.Tallies.Add(first.Entity, new Tally { Replayed = 1 });
        return first.IsExpired
            ? Refusal(new Rejection(ErrorCode.OutcomeExpired, "The op was decided; its whole outcome is past its retention."),
                Occurred(context, opId), OutcomeState.Unknown, writer => WriteFirst(writer, first)) with
            { Replayed = true, IsExpiredSuccess = first.Outcome.IsSuccess }
            : first.Outcome with { Replayed = true };
    }

    private static Outcome Repeat(SpacePlan plan, PushContext context, Op op, StoredOutcome first) =>
        Repeat(plan, context, op.OpId, op.Fingerprint, first);

    private static void WriteFirst(Utf8JsonWriter writer, StoredOutcome first)
    {
        writer.WriteString("state", first.Outcome.State.Name());
        if (first.Outcome.Rev is { } rev)
        {
            writer.WriteNumber("rev", rev);
        }
    }

    /// <summary>Does what was decided to the plan, and says so. It stores no outcome.</summary>
    internal static Outcome Carry(SpacePlan plan, PushContext context, Op op, Decision decision) => decision switch
    {
        Decision.Apply apply => Success(context, op, Written(plan, context, op, apply), apply.Merge, isNew: apply.Kind == OpKind.Create),
        Decision.Keep keep => Success(context, op, Kept(plan, context, op, keep), keep.Merge, isNew: false),
        Decision.Park park => Parked(plan, context, op, park),
        Decision.Join join => Joined(plan, context, op, join.Conflict),
        Decision.Refuse refuse => Refused(plan, context, op, refuse),
        _ => throw new InvalidOperationException("Unknown decision."),
    };

    private static SyncRecord? Kept(SpacePlan plan, PushContext context, Op op, Decision.Keep keep)
    {
        if (op is { Kind: OpKind.Update, Replaces: false, Patch.Count: > 0 } && (context.Device.Length > 0 || keep.Merge is { Count: > 0 }))
        {
            plan.KeepUnchanged(context.Author, op, keep.Merge);
        }

        return plan.Find(op.Key);
    }

    private static SyncRecord Written(SpacePlan plan, PushContext context, Op op, Decision.Apply apply)
    {
        var definition = context.DefinitionOf(op.Key);
        IReadOnlyCollection<UniqueKey> KeysOf(SyncRecord? record) =>
            record is { Deleted: false, Data: { } data } ? [.. UniqueKey.Of(definition, data.Value)] : [];
        var before = plan.Find(op.Key);
        var record = plan.Write(context.Author, op, apply.Kind, apply.Data is { } data ? new RecordData(data) : before!.Data);
        if (definition.Unique.Count > 0)
        {
            plan.Claim(op.Key, KeysOf(before), KeysOf(record));
        }

        return record;
    }

    private static Outcome Success(PushContext context, Op op, SyncRecord? record, IReadOnlyList<Merge.Explanation>? merge, bool isNew)
    {
        var status = isNew ? 201 : 200;
        return new Outcome
        {
            Status = status,
            State = merge is null ? OutcomeState.Applied : OutcomeState.Merged,
            Body = OutcomeBody.Success(op.OpId, status, record, merge),
            Rev = record?.Rev,
            ETag = !op.Replaces || JsonValue.Same(record?.Data?.Value, op.Patch) ? record?.ETag : null,
            Location = isNew ? $"{context.SpacePath}/records/{op.Key.Entity}/{op.Key.Id}" : null,
        };
    }

    private static Outcome Parked(SpacePlan plan, PushContext context, Op op, Decision.Park park)
    {
        var slot = new ConflictSlot(op.Key, context.Principal, context.Device);
        if (plan.FindConflict(slot) is { } open)
        {
            return Joined(plan, context, op, open);
        }

        if (plan.OpenConflicts(op.Key) >= context.Limits.OpenConflictsPerRecord)
        {
            return TooMany(context, op, "Too many conflicts are open on this record; resolve some first.");
        }

        return Stored(plan, context, op, park.Detail, new ParkedConflict
        {
            ConflictId = context.DryRun ? "" : plan.Entropy.NextId(plan.Now),
            Slot = slot,
            Kind = park.Kind,
            Ops = [AsParked(plan, op)],
            Base = park.States.Base,
            Theirs = park.States.Theirs,
            Yours = park.States.Yours,
            Paths = park.Paths,
        });
    }

    private static Outcome Joined(SpacePlan plan, PushContext context, Op op, ParkedConflict open)
    {
        if (open.Ops.Count >= context.Limits.OpsPerConflict)
        {
            return TooMany(context, op, "Too many ops wait in this conflict; resolve it first.");
        }

        var parked = AsParked(plan, op);
        return open.WorkOf(parked) is > 0 and var work && !plan.Spend(work)
            ? TooMany(context, op, Decide.TooManyMerges)
            : Stored(plan, context, op, "The op joins the open conflict of its device on this record.", open.Join(parked, context.DefinitionOf(op.Key)));
    }

    private static Outcome Stored(SpacePlan plan, PushContext context, Op op, string detail, ParkedConflict conflict)
    {
        var data = new RecordData(conflict.ToJson());
        if (data.Utf8.Length > context.Limits.ConflictBytesMax)
        {
            return TooMany(context, op, "The conflict would be too large; resolve it first.");
        }

        var current = plan.Find(op.Key);
        if (plan.FindConflict(conflict.Slot) is null)
        {
            plan.Tallies.Add(op.Key.Entity, new Tally { Opened = 1 });
        }

        plan.Park(op, conflict, data);
        var isShown = !context.DryRun && !context.Atomic;
        var refusal = Refusal(new Rejection(conflict.Kind, detail), Occurred(context, op.OpId), OutcomeState.Conflict, writer =>
        {
            if (isShown)
            {
                writer.WriteString("conflictId", conflict.ConflictId);
            }

            OutcomeBody.WriteCurrent(writer, current);
            Merge.Explanation.WriteList(writer, "conflicts", conflict.Paths);
        });
        return refusal with { Rev = current?.Rev, ETag = current?.ETag, ConflictId = conflict.ConflictId };
    }

    /// <summary>410 where the client knows another history of the database, about a write that is no op; null elsewhere.</summary>
    public static Outcome? OtherEpoch(PushContext context, string key) =>
        Decide.OtherEpoch(context) is { } refuse ? Refused(context, key, current: null, refuse) : null;

    private static Outcome Refused(SpacePlan plan, PushContext context, Op op, Decision.Refuse refuse) =>
        Refused(context, op.OpId, refuse.Stored ? plan.Find(op.Key) : null, refuse);

    private static Outcome Refused(PushContext context, string? opId, SyncRecord? current, Decision.Refuse refuse)
    {
        var refusal = Refusal(refuse.Rejection, Occurred(context, opId), refuse.Stored ? OutcomeState.Rejected : OutcomeState.Unknown, writer =>
        {
            OutcomeBody.WriteCurrent(writer, current);
            if (refuse.Dependency is { } dependency)
            {
                writer.WriteStartObject("dependency");
                writer.WriteString("opId", dependency.OpId);
                writer.WriteString("state", dependency.State.Name());
                writer.WriteEndObject();
            }

            if (refuse.ResyncReason is { } reason)
            {
                writer.WriteString("reason", reason);
                writer.WriteString("epoch", context.Epoch);
            }
        });
        return refusal with { Rev = current?.Rev, ETag = current?.ETag };
    }

    private static Outcome TooMany(PushContext context, Op op, string detail) =>
        Refusal(new Rejection(ErrorCode.TooManyRequests, detail), Occurred(context, op.OpId), OutcomeState.Unknown);

    /// <summary>An atomic batch cannot go on in another one, and would meet the same bound again: it is too large.</summary>
    private static Outcome NoRoom(PushContext context, string? opId) => Refusal(context.Atomic
        ? new Rejection(ErrorCode.TooLarge, "The answers to the ops of this atomic batch are over the published limit; send smaller ones.")
        : new Rejection(ErrorCode.TooManyRequests, "The answers to the ops before this one fill the batch; send it in the next one."),
        Occurred(context, opId), OutcomeState.Unknown);

    private static Outcome BatchFailed(PushContext context, string? opId) =>
        Refusal(new Rejection(ErrorCode.BatchFailed, "Another op of the atomic batch failed; nothing of it was stored."), Occurred(context, opId), OutcomeState.Unknown);

    /// <summary>A refusal as an answer; stored where <paramref name="state"/> is not <see cref="OutcomeState.Unknown"/>.</summary>
    public static Outcome Refusal(Rejection rejection, Occurrence occurrence, OutcomeState state, Action<Utf8JsonWriter>? extra = null) => new()
    {
        Status = rejection.Code.Info().Status,
        State = state,
        Body = OutcomeBody.Problem(rejection, occurrence, extra),
    };

    private static Occurrence Occurred(PushContext context, string? opId) => new(context.Instance ?? context.SpacePath + "/sync/ops", context.TraceId, opId);

    private static ParkedOp AsParked(SpacePlan plan, Op op) => new(op.OpId, op.Kind, op.BaseRev, op.Patch, op.N, plan.Now);
}
