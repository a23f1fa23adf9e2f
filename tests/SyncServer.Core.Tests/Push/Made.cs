using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Push;

/// <summary>Ops that made records, as they are written: from what is sent of them, and what is the same of all, everything follows.</summary>
internal static class Made
{
    /// <summary>Whatever a plan says that it made nothing but: its records, changes and outcomes are those, and no other.</summary>
    public static void AssertSaysAll(SpacePlan plan)
    {
        if (MadeRecord.AllOf(plan) is not { } made)
        {
            return;
        }

        Assert.Equal(made.Select(Record), plan.WrittenRecords);
        Assert.True(plan.WrittenRecords.All(plan.IsNew));
        Assert.Equal(made.Select(Change), plan.Changes);
        Assert.Equal(made.Select(Text), plan.Changes.Select(change => change.Patch!.ToString()));
        Assert.Equal(made.Select(Outcome), plan.DecidedOutcomes);
        Assert.Equal(made.Select(row => row.Change.At), plan.DecidedOutcomes.Select(_ => plan.Now));
    }

    private static SyncRecord Record(MadeRecord row) => new()
    {
        Key = row.Change.Key,
        Rev = 1,
        Seq = row.Change.Seq,
        Deleted = false,
        Data = row.Data,
        UpdatedAt = row.Change.At,
        UpdatedBy = row.Change.Principal,
        OpId = row.Change.OpId,
    };

    private static Change Change(MadeRecord row) => new()
    {
        Seq = row.Change.Seq,
        Key = row.Change.Key,
        Rev = 1,
        Kind = OpKind.Create,
        OpId = row.Change.OpId,
        Principal = row.Change.Principal,
        Device = row.Change.Device,
        N = row.Change.N,
        At = row.Change.At,
        Tag = row.Change.Tag,
        Patch = row.Change.Patch,
        Sent = null,
        Before = null,
    };

    private static string Text(MadeRecord row) => JsonParser.ParseStored(row.Data.Utf8.Span).ToString();

    private static KeyValuePair<OutcomeKey, StoredOutcome> Outcome(MadeRecord row) => KeyValuePair.Create(
        new OutcomeKey(row.Change.Principal, row.Change.OpId),
        new StoredOutcome(
            new Outcome
            {
                State = OutcomeState.Applied,
                Status = 201,
                Rev = 1,
                Body = row.Decided.Outcome.Body,
                ETag = row.Decided.Outcome.ETag,
                Location = row.Decided.Outcome.Location,
            },
            row.Decided.Fingerprint)
        { Entity = row.Change.Key.Entity });
}
