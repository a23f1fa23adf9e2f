namespace SyncServer.Core.Json;

/// <summary>JSON Pointers (RFC 6901) into objects; arrays are values and are never walked into.</summary>
public static class JsonPointer
{
    /// <summary>The pointer of the member <paramref name="name"/> of what <paramref name="parent"/> points at.</summary>
    public static string Child(string parent, string name) =>
        parent + "/" + name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>The names on the way to what <paramref name="pointer"/> points at, unescaped.</summary>
    public static IEnumerable<string> Names(string pointer) => pointer.Split('/').Skip(1)
        .Select(token => token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));

    /// <summary>The pointers above <paramref name="pointer"/>, nearest first, without that of the whole.</summary>
    public static IEnumerable<string> Ancestors(string pointer)
    {
        for (var end = pointer.LastIndexOf('/'); end > 0; end = pointer.LastIndexOf('/', end - 1))
        {
            yield return pointer[..end];
        }
    }

    /// <summary>Whether one of the two is the other or lies above it: a change at a parent meets every path below it.</summary>
    public static bool Meet(string left, string right) => IsAtOrBelow(left, right) || IsAtOrBelow(right, left);

    private static bool IsAtOrBelow(string path, string parent) =>
        path.StartsWith(parent, StringComparison.Ordinal) && (path.Length == parent.Length || path[parent.Length] == '/');

    /// <summary>The patch that sets <paramref name="pointer"/>, which is not the root, to <paramref name="value"/>.</summary>
    public static JsonObject Nest(string pointer, JsonValue value) =>
        (JsonObject)Names(pointer).Reverse().Aggregate(value, (inner, name) => JsonObject.Of((name, inner)));

    /// <summary>The value at <paramref name="pointer"/>, or null where nothing is there.</summary>
    public static JsonValue? Find(JsonValue? root, string pointer)
    {
        var value = root;
        foreach (var name in Names(pointer))
        {
            value = (value as JsonObject)?[name];
        }

        return value;
    }
}
