using System.Globalization;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>Whether a merged state may be written: size, definition, rules in code, and then unique values.</summary>
internal static class Acceptance
{
    /// <summary>
    /// A patch may have as many bytes as this many of the largest records: it names each old member with a null, which may
    /// double what it took, and sets as much anew. What is larger says nothing that the record could hold, and would be logged.
    /// </summary>
    private const int PatchRecords = 4;

    /// <summary>Write the record, or refuse it for good; a refusal changes nothing.</summary>
    public static Decision Of(SpacePlan plan, PushContext context, Op op, Decision.Apply wanted)
    {
        var definition = context.DefinitionOf(op.Key);
        var current = plan.Find(op.Key);
        var before = current?.Data?.Value;
        var after = wanted.Data ?? before ?? JsonObject.Empty;
        var data = wanted.Kind == OpKind.Create ? definition.WithDefaults(after) : after;
        var isDelete = wanted.Kind == OpKind.Delete;
        List<FieldError> errors = [.. TooLarge(context, data), .. isDelete ? [] : definition.Violations(before, data)];
        foreach (var rule in context.Rules)
        {
            errors.AddRange(rule.Check(new OpStep(op.Key, wanted.Kind, before, isDelete ? null : data, context.Principal)));
        }

        if (errors.Count > 0)
        {
            return Refused(errors);
        }

        var mayTake = definition.Unique.Count > 0 && !isDelete && !(wanted.Kind == OpKind.Update && current is { Deleted: true });
        return (mayTake ? Taken(plan, op, (definition, current), data) : null) ?? wanted with { Data = wanted.Data is null ? null : data };
    }

    /// <summary>
    /// Parks an op whose record would share unique values with another, or refuses it where it is strict. Values that the live
    /// record had before are no reason: where they are shared, they are older than the rule.
    /// </summary>
    private static Decision? Taken(SpacePlan plan, Op op, (EntityDefinition Definition, SyncRecord? Current) about, JsonObject data)
    {
        var (definition, current) = about;
        var theirs = current is { Deleted: false } ? current.Data?.Value : null;
        var had = theirs is null ? [] : UniqueKey.Of(definition, theirs);
        var taken = UniqueKey.Of(definition, data).Except(had).FirstOrDefault(key => plan.IsTaken(key, op.Key));
        if (taken == default)
        {
            return null;
        }

        const string Detail = "Another live record of the space has these values, and they are unique.";
        var fields = definition.Unique.First(rule => rule.Name == taken.Rule).Fields;
        return op.IsStrict
            ? new Decision.Refuse(new Rejection(ErrorCode.Unique, Detail) { Errors = [.. fields.Select(field => new FieldError(field, Detail))] }, Stored: true)
            : new Decision.Park(ErrorCode.Unique, Detail, new ParkedStates(null, theirs, data),
                [.. fields.Select(field => new Explanation(field, definition.MergePolicyOf(field).Name,
                    null, JsonPointer.Find(theirs, field), JsonPointer.Find(data, field)))]);
    }

    /// <summary>A stored refusal that names every reason.</summary>
    public static Decision.Refuse Refused(IReadOnlyList<FieldError> errors) =>
        new(new Rejection(ErrorCode.Rejected, errors[0].Detail) { Errors = errors }, Stored: true);

    /// <summary>Refuses a patch that no record needs, whatever it would change; null for the others. What replaces a record is measured as its data.</summary>
    public static Decision.Refuse? TooLarge(PushContext context, Op op)
    {
        var limit = (long)PatchRecords * context.Limits.RecordBytesMax;
        return !op.Replaces && op.Patch.ToUtf8().Length is var bytes && bytes > limit
            ? Refused([new FieldError("", string.Create(CultureInfo.InvariantCulture, $"The patch is {bytes} bytes; the limit is {limit}."))])
            : null;
    }

    /// <summary>
    /// Refuses an op of one entity too many, which is not counted either; null for the others. No entity of a space ever goes, so those
    /// that are declared, which are few, are always let in.
    /// </summary>
    public static Decision.Refuse? TooManyEntities(PushContext context, SpacePlan plan, Op op) =>
        plan.Counted.HasRoomFor(op.Key.Entity) || !ReferenceEquals(context.Definitions.For(op.Key.Entity), EntityDefinition.Undeclared)
        ? null
        : new Decision.Refuse(Rejection.At("/entity", $"The space has {Limits.EntitiesPerSpace} entities, and this would be one more."), Stored: false);

    private static IEnumerable<FieldError> TooLarge(PushContext context, JsonObject data)
    {
        var bytes = data.ToUtf8().Length;
        var limit = context.Limits.RecordBytesMax;
        return bytes <= limit
            ? []
            : [new FieldError("", string.Create(CultureInfo.InvariantCulture, $"The record's data would be {bytes} bytes; the limit is {limit}."))];
    }
}
