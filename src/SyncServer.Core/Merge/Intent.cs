using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Merge;

/// <summary>A place that an op touches, and the intent operator that it carries there, if any.</summary>
public readonly record struct TouchedPath(string Path, IntentOperator? Operator);

/// <summary>Patches as devices send them: merge patches in which objects with one <c>$</c> member are intent operators.</summary>
public static class Intent
{
    /// <summary>What a patch touches. An operator is one place; its operand is not walked into.</summary>
    public static IEnumerable<TouchedPath> Touched(JsonObject patch, string at = "") =>
        patch.Members.SelectMany(member =>
        {
            var path = JsonPointer.Child(at, member.Key);
            return member.Value is not JsonObject { Count: > 0 } inner
                ? [new TouchedPath(path, null)]
                : IntentOperator.Find(inner, path).Operator is { } found ? [new TouchedPath(path, found)] : Touched(inner, path);
        });

    /// <summary>
    /// The patch with another value at each place that it touches, or without the place where <paramref name="change"/> gives
    /// null; objects that are empty then go with it.
    /// </summary>
    public static JsonObject Rewritten(JsonObject patch, Func<string, JsonValue, JsonValue?> change, string at = "") =>
        JsonObject.Of(patch.Members.Select(member =>
        {
            var path = JsonPointer.Child(at, member.Key);
            return member.Value is JsonObject { Count: > 0 } inner && IntentOperator.Find(inner, path).Operator is null
                ? (member.Key, Rewritten(inner, change, path) is { Count: > 0 } kept ? kept : null)
                : (member.Key, change(path, member.Value));
        }));

    /// <summary>Why the patch is none: an operator that is unknown, or one with a wrong operand.</summary>
    public static Rejection? Check(JsonObject patch, string at)
    {
        var (whole, refused) = IntentOperator.Find(patch, at);
        if ((refused ?? OnWhole(whole, at)) is { } rejection)
        {
            return rejection;
        }

        foreach (var (name, value) in patch.Span)
        {
            if (value is JsonObject { Count: > 0 } inner && CheckInner(inner, JsonPointer.Child(at, name)) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>
    /// The target with the patch. Where an operator meets a value of another type the value stays, and
    /// <paramref name="problems"/> gets a line with its pointer into <c>data</c>.
    /// </summary>
    public static JsonObject Apply(JsonObject? target, JsonObject patch, EntityDefinition definition, ICollection<FieldError>? problems = null) =>
        MergePatch.Apply(target, patch, (path, value, change) =>
            IntentOperator.Find(change, path).Operator is { } found ? Apply(found, (path, value), definition, problems) : (false, null));

    /// <summary>The value with one operator; absent where <see cref="IntentOperator"/> says so.</summary>
    public static (bool Handled, JsonValue? Value) Apply(
        IntentOperator found, (string Path, JsonValue? Value) place, EntityDefinition definition, ICollection<FieldError>? problems)
    {
        var (value, problem) = found.Apply(place.Value, definition.MergePolicyOf(place.Path) == FieldPolicy.Crdt, Limits.CrdtUpdates);
        if (problem is null)
        {
            return (true, value);
        }

        problems?.Add(new FieldError(place.Path, problem));
        return (true, place.Value);
    }

    private static Rejection? CheckInner(JsonObject value, string at)
    {
        var (found, refused) = IntentOperator.Find(value, at);
        return found is not null ? null : refused ?? Check(value, at);
    }

    private static Rejection? OnWhole(IntentOperator? found, string at) =>
        found is null ? null : Rejection.At(at, "An operator stands at a field, not at the whole of data.", ErrorCode.InvalidOperator);
}
