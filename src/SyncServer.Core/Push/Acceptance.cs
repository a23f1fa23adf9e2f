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
    /// <summary>Write the record, or refuse it for good; a refusal changes nothing.</summary>
    public static Decision Of(SpacePlan plan, PushContext context, Op op, Decision.Apply wanted)
    {
        var definition = context.DefinitionOf(op.Key);
        var current = plan.Find(op.Key);
        var before = current?.Data?.Value;
        var after = wanted.Data ?? before ?? JsonObject.Empty;
        var data = wanted.Kind == OpKind.Create ? definition.WithDefaults(after) : after;
        var step = new OpStep(op.Key, wanted.Kind, before, wanted.Kind == OpKind.Delete ? null : data, context.Principal);
        List<FieldError> errors = [.. TooLarge(context, data), .. wanted.Kind == OpKind.Delete ? [] : definition.Violations(before, data)];
        foreach (var rule in context.Rules)
        {
            errors.AddRange(rule.Check(step));
        }

        if (errors.Count > 0)
        {
            return Refused(errors);
        }

        var staysDeleted = wanted.Kind == OpKind.Delete || (wanted.Kind == OpKind.Update && current is { Deleted: true });
        return (staysDeleted ? null : Taken(plan, op, (definition, current), data)) ?? wanted with { Data = wanted.Data is null ? null : data };
    }

    /// <summary>
    /// Parks an op whose record would share unique values with another, or refuses it where it is strict. Values that the live
    /// record had before are no reason: where they are shared, they are older than the rule.
    /// </summary>
    private static Decision? Taken(SpacePlan plan, Op op, (EntityDefinition Definition, SyncRecord? Current) about, JsonObject data)
    {
        var (definition, current) = about;
        if (definition.Unique.Count == 0)
        {
            return null;
        }

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

    private static IEnumerable<FieldError> TooLarge(PushContext context, JsonObject data)
    {
        var bytes = data.ToUtf8().Length;
        var limit = context.Limits.RecordBytesMax;
        return bytes <= limit
            ? []
            : [new FieldError("", string.Create(CultureInfo.InvariantCulture, $"The record's data would be {bytes} bytes; the limit is {limit}."))];
    }
}
