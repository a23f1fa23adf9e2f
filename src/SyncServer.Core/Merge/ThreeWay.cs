using SyncServer.Core.Entities;
using SyncServer.Core.Json;

namespace SyncServer.Core.Merge;

/// <summary>The result of a three-way merge: whole, or with the paths that nobody could decide.</summary>
/// <param name="Merged">The merged data; meaningful only where nothing is in the other lists but explanations.</param>
/// <param name="Explanations">Every path that either side changed since base, and how it came out.</param>
/// <param name="Conflicts">Every path that both sides changed and the policy will not decide.</param>
/// <param name="Problems">Every operator that met a value of another type.</param>
public sealed record MergeResult(
    JsonObject Merged, IReadOnlyList<Explanation> Explanations, IReadOnlyList<Explanation> Conflicts, IReadOnlyList<FieldError> Problems);

/// <summary>What a merge has to know beside the three states.</summary>
public sealed record MergeRules(EntityDefinition Definition)
{
    /// <summary>The paths where the op carries an operator that no later own op overwrote.</summary>
    public IReadOnlyDictionary<string, Ops.IntentOperator> Operators { get; init; } = new Dictionary<string, Ops.IntentOperator>();

    /// <summary>What others touched since base, also where the value is the same again.</summary>
    public IEnumerable<string> Foreign { get; init; } = [];

    /// <summary>Whether the op says what its user saw; without it every touched field counts as changed by both.</summary>
    public bool KnowsBase { get; init; } = true;

    /// <summary>The policy of a path.</summary>
    public FieldPolicy PolicyOf(string path) => Definition.MergePolicyOf(path);

    /// <summary>Whether a CRDT field is declared at the path itself.</summary>
    public bool IsCrdt(string path) => Definition.Fields.TryGetValue(path, out var field) && field.Merge == FieldPolicy.Crdt;
}

/// <summary>
/// Three-way merge over states (protocol 4): for each leaf path, what only one side changed is taken from that side,
/// what both changed alike is agreed, and everything else is the policy's to decide.
/// </summary>
public static class ThreeWay
{
    /// <summary>Merges the data of the three states.</summary>
    public static MergeResult Merge(JsonObject @base, JsonObject theirs, JsonObject yours, MergeRules rules)
    {
        var run = new Run(rules);
        var merged = run.Members("", @base, theirs, yours);
        return new MergeResult(merged, run.Explanations, run.Conflicts, run.Problems);
    }

    private sealed class Run(MergeRules rules)
    {
        // Only a strict field asks for it.
        private readonly Lazy<PathSet> _foreign = new(() => PathSet.Of(rules.Foreign));

        public List<Explanation> Explanations { get; } = [];

        public List<Explanation> Conflicts { get; } = [];

        public List<FieldError> Problems { get; } = [];

        public JsonObject Members(string at, JsonObject? b, JsonObject t, JsonObject y)
        {
            var names = t.Members.Select(member => member.Key).Concat(y.Members.Select(member => member.Key).Where(name => t[name] is null));
            var gone = (b?.Members ?? []).Select(member => member.Key).Where(name => t[name] is null && y[name] is null);
            return JsonObject.Of(names.Concat(gone).Select(name => (name, Leaf(JsonPointer.Child(at, name), b?[name], t[name], y[name]))));
        }

        private JsonValue? Leaf(string path, JsonValue? b, JsonValue? t, JsonValue? y)
        {
            var policy = rules.PolicyOf(path);
            if (rules.Operators.TryGetValue(path, out var found))
            {
                return Operated(path, found, (b, t, y));
            }

            if (policy != FieldPolicy.Crdt && b is null or JsonObject && t is JsonObject theirMembers && y is JsonObject yourMembers)
            {
                return Members(path, b as JsonObject, theirMembers, yourMembers);
            }

            if (JsonValue.Same(y, b))
            {
                return JsonValue.Same(t, b) ? t : Explain(path, (b, t, y), t);
            }

            if (policy == FieldPolicy.Strict && IsForeign(path))
            {
                return Park(path, b, t, y);
            }

            // Of an op that does not say what its user saw, nobody knows whether they saw this value.
            var isOrdered = policy == FieldPolicy.Max || policy == FieldPolicy.Min;
            if (JsonValue.Same(y, t) || (JsonValue.Same(t, b) && (rules.KnowsBase || !isOrdered || t is null)))
            {
                return Explain(path, (b, t, y), y);
            }

            if (policy != FieldPolicy.Crdt && b is JsonObject whole && (t, y) is ((null, JsonObject) or (JsonObject, null)))
            {
                return Removed(path, whole, t, y);
            }

            if (FieldDecision.Of(policy, b, t, y) is { IsDecided: true } decision)
            {
                return Explain(path, (b, t, y), decision.Value);
            }

            return b is JsonObject before && t is JsonObject != y is JsonObject ? Replaced(path, before, t, y) : Park(path, b, t, y);
        }

        /// <summary>An operator is done to what is there now. It asks only where the policy lets nobody write after others.</summary>
        private JsonValue? Operated(string path, Ops.IntentOperator found, (JsonValue? Base, JsonValue? Theirs, JsonValue? Yours) values)
        {
            var policy = rules.PolicyOf(path);
            if (policy == FieldPolicy.Strict && IsForeign(path))
            {
                return Park(path, values.Base, values.Theirs, values.Yours);
            }

            var isKept = policy == FieldPolicy.Keep && !JsonValue.Same(values.Theirs, values.Base);
            var merged = isKept ? values.Theirs : Intent.Apply(found, (path, values.Theirs), rules.Definition, Problems).Value;
            return JsonValue.Same(merged, values.Theirs) && JsonValue.Same(values.Theirs, values.Base) ? merged : Explain(path, values, merged);
        }

        private bool IsForeign(string path) => _foreign.Value.Meets(path);

        /// <summary>
        /// One side took away an object whose members the other side changed: where the policies of all those members decide,
        /// they do, each for itself, and nothing is left but what they keep.
        /// </summary>
        private JsonValue? Removed(string path, JsonObject b, JsonValue? t, JsonValue? y)
        {
            var lost = Lost(path, b, t, y);
            if (lost.Count == 0)
            {
                return Explain(path, (b, t, y), null);
            }

            // Tried aside: one member that no policy decides makes a question of all of them.
            var below = new Run(rules);
            var kept = lost.ConvertAll(inner => (inner, below.Contested(
                path + inner, JsonPointer.Find(b, inner), JsonPointer.Find(t, inner), JsonPointer.Find(y, inner))));
            if (below.Conflicts.Count > 0)
            {
                return ParkLost(path, lost, b, t, y);
            }

            Explanations.AddRange(below.Explanations);
            Problems.AddRange(below.Problems);
            var left = Together(kept);
            return Explain(path, (b, t, y), left.Count == 0 ? null : left);
        }

        /// <summary>A member that one side changed, and the other took away with the object around it.</summary>
        private JsonValue? Contested(string path, JsonValue? b, JsonValue? t, JsonValue? y) =>
            rules.Operators.TryGetValue(path, out var found) ? Operated(path, found, (b, t, y))
            : FieldDecision.Of(rules.PolicyOf(path), b, t, y) is { IsDecided: true } decision ? Explain(path, (b, t, y), decision.Value)
            : Park(path, b, t, y);

        /// <summary>An object of nothing but these members, at their places.</summary>
        private static JsonObject Together(List<(string Path, JsonValue? Value)> members) => members
            .Where(member => member.Value is not null)
            .Aggregate(JsonObject.Empty, (whole, member) => MergePatch.Apply(whole, JsonPointer.Nest(member.Path, member.Value!)));

        /// <summary>
        /// One side put another kind of value in the place of an object whose members the other side changed. Each of those
        /// members is a conflict, except where it is gone on both sides; and where all of them are, nothing stands against the
        /// replacement.
        /// </summary>
        private JsonValue? Replaced(string path, JsonObject b, JsonValue? t, JsonValue? y)
        {
            var lost = Lost(path, b, t, y);
            return lost.Count == 0 ? Explain(path, (b, t, y), t is JsonObject ? y : t) : ParkLost(path, lost, b, t, y);
        }

        /// <summary>
        /// What the side that still has the object changed below it, and what is not gone on the other side too. What an operator
        /// stands at, and a CRDT field, is one edit, whatever it changed.
        /// </summary>
        private List<string> Lost(string path, JsonObject b, JsonValue? t, JsonValue? y)
        {
            var operated = rules.Operators.Keys.Where(at => at.StartsWith(path + "/", StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
            var changed = MergePatch.Touched(MergePatch.Diff(b, t as JsonObject ?? (JsonObject)y!)).Select(inner => Whole(path + inner));
            return [.. changed.Concat(operated).Distinct(StringComparer.Ordinal).Select(at => at[path.Length..])
                .Where(inner => !JsonValue.Same(JsonPointer.Find(t, inner), JsonPointer.Find(y, inner)))];

            string Whole(string at) => JsonPointer.Ancestors(at).TakeWhile(above => above.Length > path.Length)
                .FirstOrDefault(above => operated.Contains(above) || rules.IsCrdt(above)) ?? at;
        }

        private JsonValue? ParkLost(string path, List<string> lost, JsonObject b, JsonValue? t, JsonValue? y)
        {
            // Your own edits are named one by one; what you replaced is one edit, however much of theirs lies below it.
            foreach (var inner in y is JsonObject ? lost : [""])
            {
                Park(path + inner, JsonPointer.Find(b, inner), JsonPointer.Find(t, inner), JsonPointer.Find(y, inner));
            }

            return t;
        }

        private JsonValue? Park(string path, JsonValue? b, JsonValue? t, JsonValue? y)
        {
            Conflicts.Add(new Explanation(path, rules.PolicyOf(path).Name, b, t, y));
            return t;
        }

        private JsonValue? Explain(string path, (JsonValue? Base, JsonValue? Theirs, JsonValue? Yours) values, JsonValue? merged)
        {
            Explanations.Add(new Explanation(path, rules.PolicyOf(path).Name, values.Base, values.Theirs, values.Yours, merged));
            return merged;
        }
    }
}
