namespace SyncServer.Core.Json;

/// <summary>
/// JSON Merge Patch (RFC 7396) over <c>data</c>. Data never holds a null member outside arrays: null is absent. So
/// every difference between two states is a merge patch, in both directions.
/// </summary>
public static class MergePatch
{
    /// <summary>Looks at a change that is an object before it merges; handled, its value (or absence) is taken as it is.</summary>
    public delegate (bool Handled, JsonValue? Value) Intercept(string path, JsonValue? target, JsonObject change);

    /// <summary>The target with the patch: objects merge, null removes, everything else sets (RFC 7396, 2).</summary>
    public static JsonObject Apply(JsonObject? target, JsonObject patch, Intercept? intercept = null) =>
        // What most creates carry is the data itself, whose bytes are then made once for both.
        target is null or { Count: 0 } && IsData(patch) ? patch : Members("", target ?? JsonObject.Empty, patch, intercept);

    /// <summary>Whether every member sets a value that no patch could say otherwise.</summary>
    private static bool IsData(JsonObject patch)
    {
        for (var at = 0; at < patch.Count; at++)
        {
            var value = patch.Members[at].Value;
            if (value is JsonObject || ReferenceEquals(value, JsonLiteral.Null))
            {
                return false;
            }
        }

        return true;
    }

    private static JsonObject Members(string at, JsonObject target, JsonObject patch, Intercept? intercept)
    {
        JsonValue? Patched(string name, JsonValue? value, JsonValue change)
        {
            if (change is not JsonObject members)
            {
                return ReferenceEquals(change, JsonLiteral.Null) ? null : change;
            }

            // Pointers are only built where somebody asks for them.
            var path = intercept is null ? "" : JsonPointer.Child(at, name);
            return intercept?.Invoke(path, value, members) is (true, var taken)
                ? taken
                : Members(path, value as JsonObject ?? JsonObject.Empty, members, intercept);
        }

        var patched = new OrderedDictionary<string, JsonValue>(StringComparer.Ordinal);
        foreach (var (name, value) in target.Members)
        {
            if ((patch[name] is { } change ? Patched(name, value, change) : value) is { } kept)
            {
                patched.Add(name, kept);
            }
        }

        foreach (var (name, change) in patch.Members)
        {
            if (target[name] is null && Patched(name, null, change) is { } added)
            {
                patched.Add(name, added);
            }
        }

        return JsonObject.Keep(patched);
    }

    /// <summary>The smallest patch that turns <paramref name="from"/> into <paramref name="to"/>.</summary>
    public static JsonObject Diff(JsonObject from, JsonObject to)
    {
        var patch = new OrderedDictionary<string, JsonValue>(StringComparer.Ordinal);
        foreach (var (name, _) in from.Members)
        {
            if (to[name] is null)
            {
                patch.Add(name, JsonLiteral.Null);
            }
        }

        foreach (var (name, value) in to.Members)
        {
            var had = from[name];
            if (!JsonValue.Same(had, value))
            {
                patch.Add(name, had is JsonObject before && value is JsonObject after ? Diff(before, after) : value);
            }
        }

        return JsonObject.Keep(patch);
    }

    /// <summary>The pointers of what a patch touches: its members that are not objects, and its empty objects.</summary>
    public static IEnumerable<string> Touched(JsonObject patch, string at = "") =>
        patch.Members.SelectMany(member => member.Value is JsonObject { Count: > 0 } inner
            ? Touched(inner, JsonPointer.Child(at, member.Key))
            : [JsonPointer.Child(at, member.Key)]);
}
