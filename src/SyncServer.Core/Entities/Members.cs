using SyncServer.Core.Json;

namespace SyncServer.Core.Entities;

/// <summary>
/// One object of the file while it is read. What is wrong with a member is noted, and reading goes on with what holds
/// where the member is absent, so that one look finds every error.
/// </summary>
internal sealed class Members(JsonObject members, string at, List<FieldError> errors)
{
    /// <summary>The member's value, or null where it is absent.</summary>
    public JsonValue? this[string name] => members[name];

    /// <summary>Where the member stands in the file.</summary>
    public string Pointer(string name) => JsonPointer.Child(at, name);

    /// <summary>Notes an error of the member.</summary>
    public void Refuse(string name, string detail) => errors.Add(new FieldError(Pointer(name), detail));

    /// <summary>Notes every member that is not among the known.</summary>
    public void RefuseUnknown(IReadOnlyList<string> known)
    {
        foreach (var (name, _) in members.Members.Where(member => !known.Contains(member.Key, StringComparer.Ordinal)))
        {
            Refuse(name, $"The member is unknown. {Suggestion.For(name, known)}");
        }
    }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool Flag(string name, bool otherwise)
    {
        if (members[name] is { } value && !FieldType.Boolean.Holds(value))
        {
            Refuse(name, $"The member is not a boolean. Write true or false, or leave it out for {(otherwise ? "true" : "false")}.");
        }

        return members[name] is { } given && FieldType.Boolean.Holds(given) ? ReferenceEquals(given, JsonLiteral.True) : otherwise;
    }

    /// <summary>One of the known words; null where it is absent or none of them.</summary>
    public T? OneOf<T>(string name, Func<string, T?> find, IEnumerable<string> known) where T : class
    {
        if (members[name] is not { } value)
        {
            return null;
        }

        var word = (value as JsonString)?.Text;
        var found = word is null ? null : find(word);
        if (found is null)
        {
            Refuse(name, $"The value is none that the member takes. {Suggestion.For(word ?? "", [.. known])}");
        }

        return found;
    }

    /// <summary>An object with at most <paramref name="most"/> members; null where it is absent or something else.</summary>
    public JsonObject? Object(string name, int most, string shape)
    {
        var value = members[name];
        if (value is not (null or JsonObject))
        {
            Refuse(name, $"The member is not an object. Write {shape}.");
        }

        if (value is JsonObject found && found.Count > most)
        {
            Refuse(name, $"The object has {found.Count} members. At most {most} are allowed.");
            return null;
        }

        return value as JsonObject;
    }

    /// <summary>A list of at most <paramref name="most"/> elements; null where it is absent or something else.</summary>
    public JsonArray? List(string name, int most, string shape)
    {
        var value = members[name];
        if (value is not (null or JsonArray))
        {
            Refuse(name, $"The member is not a list. Write {shape}.");
        }

        if (value is JsonArray found && found.Items.Count > most)
        {
            Refuse(name, $"The list has {found.Items.Count} elements. At most {most} are allowed.");
            return null;
        }

        return value as JsonArray;
    }
}
