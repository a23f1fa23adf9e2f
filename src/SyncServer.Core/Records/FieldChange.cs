using SyncServer.Core.Json;

namespace SyncServer.Core.Records;

/// <summary>What a change did to one place in the data; absent values are null.</summary>
/// <param name="Path">JSON Pointer into <c>data</c>.</param>
/// <param name="Before">The value that the change replaced or removed.</param>
/// <param name="After">The value that it left.</param>
public sealed record FieldChange(string Path, JsonValue? Before, JsonValue? After)
{
    /// <summary>
    /// Every place that <paramref name="change"/> touched, as deep as objects go on both sides. A delete touches all that
    /// was there; a restore that brings back what was deleted touches nothing.
    /// </summary>
    public static IEnumerable<FieldChange> Of(Change change) => Between("", change.Before, change.Patch);

    /// <summary>
    /// The two sides are merge patches of one another's direction: null in one of them says absent on that side, and a
    /// member that both sides lack was not touched.
    /// </summary>
    private static IEnumerable<FieldChange> Between(string path, JsonValue? before, JsonValue? after)
    {
        before = Present(before);
        after = Present(after);
        var (from, to) = (before as JsonObject, after as JsonObject);
        var isBranch = (before is null || from is not null) && (after is null || to is not null) && (from?.Count > 0 || to?.Count > 0);
        if (!isBranch)
        {
            return path.Length == 0 ? [] : [new FieldChange(path, before, after)];
        }

        var names = (from ?? JsonObject.Empty).Members.Concat((to ?? JsonObject.Empty).Members).Select(member => member.Key);
        return names.Distinct(StringComparer.Ordinal).SelectMany(name => Between(JsonPointer.Child(path, name), from?[name], to?[name]));
    }

    private static JsonValue? Present(JsonValue? value) => ReferenceEquals(value, JsonLiteral.Null) ? null : value;
}
