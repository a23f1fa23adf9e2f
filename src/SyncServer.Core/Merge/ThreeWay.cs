using SyncServer.Core.Json;

namespace SyncServer.Core.Merge;

/// <summary>The result of a three-way merge: whole, or with the paths that nobody could decide.</summary>
/// <param name="Merged">The merged data; meaningful only where <paramref name="Conflicts"/> is empty.</param>
/// <param name="Explanations">Every path that either side changed since base, and how it came out.</param>
/// <param name="Conflicts">Every path that both sides changed and the policy will not decide.</param>
public sealed record MergeResult(
    JsonObject Merged, IReadOnlyList<Explanation> Explanations, IReadOnlyList<Explanation> Conflicts);

/// <summary>
/// Three-way merge over states (protocol 4): for each leaf path, what only one side changed is taken from that side,
/// what both changed alike is agreed, and everything else is the policy's to decide.
/// </summary>
public static class ThreeWay
{
    /// <summary>Merges the data of the three states; <paramref name="policy"/> gives the policy of a path.</summary>
    public static MergeResult Merge(JsonObject @base, JsonObject theirs, JsonObject yours, Func<string, FieldPolicy> policy)
    {
        var run = new Run(policy);
        var merged = run.Members("", @base, theirs, yours);
        return new MergeResult(merged, run.Explanations, run.Conflicts);
    }

    private sealed class Run(Func<string, FieldPolicy> policy)
    {
        public List<Explanation> Explanations { get; } = [];

        public List<Explanation> Conflicts { get; } = [];

        public JsonObject Members(string at, JsonObject? b, JsonObject t, JsonObject y)
        {
            var names = t.Members.Select(member => member.Key).Concat(y.Members.Select(member => member.Key).Where(name => t[name] is null));
            var gone = (b?.Members ?? []).Select(member => member.Key).Where(name => t[name] is null && y[name] is null);
            return JsonObject.Of(names.Concat(gone).Select(name => (name, Leaf(JsonPointer.Child(at, name), b?[name], t[name], y[name]))));
        }

        private JsonValue? Leaf(string path, JsonValue? b, JsonValue? t, JsonValue? y)
        {
            if (b is null or JsonObject && t is JsonObject theirMembers && y is JsonObject yourMembers)
            {
                return Members(path, b as JsonObject, theirMembers, yourMembers);
            }

            if (JsonValue.Same(y, b))
            {
                return JsonValue.Same(t, b) ? t : Explain(path, (b, t, y), t);
            }

            if (JsonValue.Same(t, b) || JsonValue.Same(y, t))
            {
                return Explain(path, (b, t, y), y);
            }

            if (b is JsonObject before && t is JsonObject != y is JsonObject)
            {
                return Replaced(path, before, t, y);
            }

            Park(path, b, t, y);
            return t;
        }

        /// <summary>
        /// One side replaced or took away an object whose members the other side changed. Each of those members is a
        /// conflict, except where it is gone on both sides; and where all of them are, nothing stands against the replacement.
        /// </summary>
        private JsonValue? Replaced(string path, JsonObject b, JsonValue? t, JsonValue? y)
        {
            var edited = t as JsonObject ?? (JsonObject)y!;
            var lost = MergePatch.Touched(MergePatch.Diff(b, edited))
                .Where(inner => !JsonValue.Same(JsonPointer.Find(t, inner), JsonPointer.Find(y, inner)))
                .ToList();
            if (lost.Count == 0)
            {
                return Explain(path, (b, t, y), t is JsonObject ? y : t);
            }

            // Your own edits are named one by one; what you replaced is one edit, however much of theirs lies below it.
            foreach (var inner in y is JsonObject ? lost : [""])
            {
                Park(path + inner, JsonPointer.Find(b, inner), JsonPointer.Find(t, inner), JsonPointer.Find(y, inner));
            }

            return t;
        }

        private void Park(string path, JsonValue? b, JsonValue? t, JsonValue? y) =>
            Conflicts.Add(new Explanation(path, policy(path).Name, b, t, y));

        private JsonValue? Explain(string path, (JsonValue? Base, JsonValue? Theirs, JsonValue? Yours) values, JsonValue? merged)
        {
            Explanations.Add(new Explanation(path, policy(path).Name, values.Base, values.Theirs, values.Yours, merged));
            return merged;
        }
    }
}
