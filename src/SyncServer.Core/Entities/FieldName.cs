using SyncServer.Core.Json;

namespace SyncServer.Core.Entities;

/// <summary>How definitions name fields: a member of <c>data</c> by its plain name, anything deeper by its JSON Pointer.</summary>
internal static class FieldName
{
    /// <summary>The pointer, or null and why there is none.</summary>
    public static (string? Pointer, string? Refusal) Pointer(string name)
    {
        var pointer = name.StartsWith('/') ? name : JsonPointer.Child("", name);
        if (name.Length == 0)
        {
            return (null, "The field has no name. Write its name, or its JSON Pointer such as '/address/city'.");
        }

        if (pointer.Length > DefinitionLimits.PointerLength)
        {
            return (null, $"The field's pointer has more than {DefinitionLimits.PointerLength} characters. Shorten the name.");
        }

        // Only ~0 and ~1 are escapes, so with them gone no tilde is left (RFC 6901, 3).
        return pointer.Replace("~0", "", StringComparison.Ordinal).Replace("~1", "", StringComparison.Ordinal).Contains('~')
            ? (null, "The field is not a JSON Pointer: a tilde is written ~0, a slash inside a name ~1.")
            : (pointer, null);
    }

    /// <summary>The shortest name that <see cref="Pointer"/> reads as <paramref name="pointer"/>.</summary>
    public static string Of(string pointer) =>
        JsonPointer.Names(pointer).ToList() is [{ Length: > 0 } name] && !name.StartsWith('/') ? name : pointer;
}
