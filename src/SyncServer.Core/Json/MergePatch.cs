namespace SyncServer.Core.Json;

/// <summary>
/// JSON Merge Patch (RFC 7396) over <c>data</c>. Data never holds a null member outside arrays: null is absent. So
/// every difference between two states is a merge patch, in both directions.
/// </summary>
public static class MergePatch
{
    /// <summary>The target with the patch: objects merge, null removes, everything else sets (RFC 7396, 2).</summary>
    public static JsonObject Apply(JsonObject? target, JsonObject patch)
    {
        target ??= JsonObject.Empty;
        var kept = target.Members.Select(member =>
            (member.Key, patch[member.Key] is { } change ? Patched(member.Value, change) : member.Value));
        var added = patch.Members
            .Where(member => target[member.Key] is null)
            .Select(member => (member.Key, Patched(null, member.Value)));
        return JsonObject.Of(kept.Concat(added));
    }

    private static JsonValue? Patched(JsonValue? target, JsonValue change) => change switch
    {
        JsonObject members => Apply(target as JsonObject, members),
        _ when ReferenceEquals(change, JsonLiteral.Null) => null,
        _ => change,
    };

    /// <summary>The smallest patch that turns <paramref name="from"/> into <paramref name="to"/>.</summary>
    public static JsonObject Diff(JsonObject from, JsonObject to)
    {
        var removed = from.Members.Where(member => to[member.Key] is null).Select(member => (member.Key, (JsonValue?)JsonLiteral.Null));
        var set = to.Members
            .Where(member => !JsonValue.Same(from[member.Key], member.Value))
            .Select(member => (member.Key, from[member.Key] is JsonObject before && member.Value is JsonObject after
                ? Diff(before, after)
                : (JsonValue?)member.Value));
        return JsonObject.Of(removed.Concat(set));
    }

    /// <summary>The pointers of what a patch touches: its members that are not objects, and its empty objects.</summary>
    public static IEnumerable<string> Touched(JsonObject patch, string at = "") =>
        patch.Members.SelectMany(member => member.Value is JsonObject { Count: > 0 } inner
            ? Touched(inner, JsonPointer.Child(at, member.Key))
            : [JsonPointer.Child(at, member.Key)]);
}
