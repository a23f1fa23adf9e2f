namespace SyncServer.Core.Push;

/// <summary>A mutating request that is no op: its idempotency key, and the SHA-256 that tells a repeat from another request.</summary>
public sealed record KeyedRequest(string Key, ReadOnlyMemory<byte> Fingerprint)
{
    /// <summary>Whether <paramref name="plan"/> holds the outcome of this very request.</summary>
    public bool IsRepeat(SpacePlan plan, PushContext context) =>
        plan.FindOutcome(KeyOf(context)) is { } first && first.Fingerprint.Span.SequenceEqual(Fingerprint.Span);

    /// <summary>
    /// What a key that was used before answers, or 410 where the client knows another history of the database; null where
    /// there is something to decide.
    /// </summary>
    public Outcome? Undecidable(SpacePlan plan, PushContext context) =>
        plan.FindOutcome(KeyOf(context)) is { } first
            ? PushPlan.Repeat(plan, context, Key, Fingerprint, first)
            : PushPlan.OtherEpoch(context, Key);

    /// <summary>Stores <paramref name="outcome"/> in the plan where it is final, and returns it.</summary>
    public Outcome Decided(SpacePlan plan, PushContext context, Outcome outcome)
    {
        if (outcome.IsStored)
        {
            plan.Decide(KeyOf(context), new StoredOutcome(outcome, Fingerprint));
        }

        return outcome;
    }

    private OutcomeKey KeyOf(PushContext context) => new(context.Principal, Key);
}
