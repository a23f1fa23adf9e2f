using SyncServer.Core.Json;

namespace SyncServer.Core.Entities;

/// <summary>
/// Fields whose values together no two live records of a space share. A rule is known by its fields alone: where it stands
/// in the file, and in which order it names them, does not matter.
/// </summary>
public sealed class UniqueRule
{
    // 128 bits of SHA-256: no two lists of fields collide, and it stands in every key of the index.
    private const int NameLength = 32;

    private readonly string[] _sorted;

    /// <summary>The rule over these pointers into <c>data</c>, each once.</summary>
    public UniqueRule(params IEnumerable<string> fields)
    {
        Fields = [.. fields];
        _sorted = [.. Fields.Order(StringComparer.Ordinal)];
        Name = Convert.ToHexStringLower(CanonicalJson.Hash(new JsonArray([.. _sorted.Select(field => new JsonString(field))])).Span)[..NameLength];
    }

    /// <summary>The pointers, in the order of the file.</summary>
    public IReadOnlyList<string> Fields { get; }

    /// <summary>The same for the same fields, at every server and in every version of the file.</summary>
    public string Name { get; }

    /// <summary>SHA-256 over the values, numbers by value, as hex; null of a record in which a field is absent.</summary>
    public string? HashOf(JsonObject data)
    {
        var values = _sorted.Select(field => JsonPointer.Find(data, field)).OfType<JsonValue>().ToList();
        return values.Count == _sorted.Length
            ? Convert.ToHexStringLower(CanonicalJson.Hash(CanonicalJson.NumbersByValue(new JsonArray(values))).Span)
            : null;
    }
}
