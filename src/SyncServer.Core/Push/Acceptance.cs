using System.Globalization;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>Whether a merged state may be written: size, definition and rules in code, in this order.</summary>
internal static class Acceptance
{
    /// <summary>Write the record, or refuse it for good; a refusal changes nothing.</summary>
    public static Decision Of(PushContext context, Op op, SyncRecord? current, Decision.Apply wanted)
    {
        var definition = context.DefinitionOf(op.Key);
        var before = current?.Data?.Value;
        var after = wanted.Data ?? before ?? JsonObject.Empty;
        var data = wanted.Kind == OpKind.Create ? definition.WithDefaults(after) : after;
        var step = new OpStep(op.Key, wanted.Kind, before, wanted.Kind == OpKind.Delete ? null : data, context.Principal);
        var errors = TooLarge(context, data)
            .Concat(wanted.Kind == OpKind.Delete ? [] : definition.Violations(before, data))
            .Concat(context.Rules.SelectMany(rule => rule.Check(step)))
            .ToList();
        return errors.Count == 0
            ? wanted with { Data = wanted.Data is null ? null : data }
            : Refused(errors);
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
