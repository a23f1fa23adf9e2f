using SyncServer.Core.Json;

namespace SyncServer.Core.Entities;

/// <summary>
/// What a definition says about a step of a record's <c>data</c>. What stood there before and is not touched is no reason
/// to refuse a step: definitions grow, and records older than a rule stay editable everywhere else.
/// </summary>
internal static class StateRules
{
    /// <summary>Violations of the step; at creation, where <paramref name="before"/> is null, everything is touched.</summary>
    public static IEnumerable<FieldError> Violations(EntityDefinition definition, JsonObject? before, JsonObject after) =>
        OfFields(definition, before, after)
            .Concat(OfLevels(definition, before, after))
            .Concat(definition.AdditionalFields ? [] : OfUndeclared(definition, before, after));

    private static IEnumerable<FieldError> OfFields(EntityDefinition definition, JsonObject? before, JsonObject after)
    {
        foreach (var (pointer, field) in definition.Fields)
        {
            var (was, now) = (JsonPointer.Find(before, pointer), JsonPointer.Find(after, pointer));
            if ((before is null || !JsonValue.Same(was, now)) && field.Refusal(was, now) is { } refusal)
            {
                yield return new FieldError(pointer, refusal);
            }
        }
    }

    private static IEnumerable<FieldError> OfLevels(EntityDefinition definition, JsonObject? before, JsonObject after) =>
        from level in definition.Levels
        where !definition.Fields.ContainsKey(level) || definition.Fields[level].Type is null
        let now = JsonPointer.Find(after, level)
        where now is not (null or JsonObject) && !JsonValue.Same(JsonPointer.Find(before, level), now)
        select new FieldError(level, "The field is an object: others are declared below it.");

    private static IEnumerable<FieldError> OfUndeclared(EntityDefinition definition, JsonObject? before, JsonObject after) =>
        from level in definition.Levels.Prepend("")
        from member in (JsonPointer.Find(after, level) as JsonObject)?.Members ?? []
        let pointer = JsonPointer.Child(level, member.Key)
        where !definition.Fields.ContainsKey(pointer) && !definition.Levels.Contains(pointer)
            && !JsonValue.Same(JsonPointer.Find(before, pointer), member.Value)
        select new FieldError(pointer, "The field is not declared, and the entity takes declared fields only.");
}
