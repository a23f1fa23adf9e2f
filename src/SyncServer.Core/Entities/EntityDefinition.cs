using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Entities;

/// <summary>What is declared of the records of one entity (protocol 4.1).</summary>
public sealed class EntityDefinition
{
    private static readonly OrderedDictionary<string, FieldDefinition> NoFields = [];
    private static readonly HashSet<string> NoLevels = [];

    private readonly HashSet<string> _levels;

    /// <summary>Every entity of which nothing is declared: names matter to rules alone, and it has none.</summary>
    public static readonly EntityDefinition Undeclared = new("");

    /// <summary>An entity of which nothing is declared.</summary>
    public EntityDefinition(string name)
    {
        Name = name;
        Fields = NoFields;
        _levels = NoLevels;
    }

    /// <summary>A definition with those fields; more than one at a pointer is the caller's mistake.</summary>
    public EntityDefinition(string name, params IEnumerable<FieldDefinition> fields)
    {
        Name = name;
        var byPointer = new OrderedDictionary<string, FieldDefinition>(StringComparer.Ordinal);
        foreach (var field in fields)
        {
            byPointer.Add(field.Pointer, field);
        }

        Fields = byPointer;
        _levels = new HashSet<string>(byPointer.Keys.SelectMany(JsonPointer.Ancestors), StringComparer.Ordinal);
    }

    /// <summary>The entity's name.</summary>
    public string Name { get; }

    /// <summary>At least 1; 0 of an entity without a definition.</summary>
    public long Version { get; init; }

    /// <summary>By JSON Pointer into <c>data</c>, in the order of the file.</summary>
    public IReadOnlyDictionary<string, FieldDefinition> Fields { get; }

    /// <summary>The pointers of objects that have declared fields below them; the whole of <c>data</c> is not among them.</summary>
    public IReadOnlySet<string> Levels => _levels;

    /// <summary>What no two live records of a space share.</summary>
    public IReadOnlyList<UniqueRule> Unique { get; init; } = [];

    /// <summary>What happens where an edit meets a delete.</summary>
    public OnEditDelete OnEditDelete { get; init; } = OnEditDelete.Review;

    /// <summary>Whether <c>data</c>, and objects with declared fields below them, may have members that nobody declared.</summary>
    public bool AdditionalFields { get; init; } = true;

    /// <summary>The policy declared at the path or, where nothing is, at the nearest declared path above it; else review.</summary>
    public FieldPolicy MergePolicyOf(string path)
    {
        if (Fields.Count == 0)
        {
            return FieldPolicy.Review;
        }

        var nearest = JsonPointer.Ancestors(path).Prepend(path).FirstOrDefault(Fields.ContainsKey);
        return nearest is null ? FieldPolicy.Review : Fields[nearest].Merge;
    }

    /// <summary>Whether the field declared at the path, or one above it, is immutable.</summary>
    public bool IsImmutable(string path) =>
        JsonPointer.Ancestors(path).Prepend(path).Any(pointer => Fields.TryGetValue(pointer, out var field) && field.Immutable);

    /// <summary>
    /// The data of a new record with the defaults of the fields that it lacks. Where something other than an object
    /// stands on the way to a field, it stays, and so its violation shows.
    /// </summary>
    public JsonObject WithDefaults(JsonObject data)
    {
        if (Fields.Count == 0)
        {
            return data;
        }

        // A default of an object comes before those of the fields in it, which then fill only what it left open.
        foreach (var field in Fields.Values.Where(field => field.Default is not null).OrderBy(field => field.Pointer.Length))
        {
            var blocked = JsonPointer.Ancestors(field.Pointer).Any(level => JsonPointer.Find(data, level) is not (null or JsonObject));
            if (!blocked && JsonPointer.Find(data, field.Pointer) is null)
            {
                data = MergePatch.Apply(data, JsonPointer.Nest(field.Pointer, field.Default!));
            }
        }

        return data;
    }

    /// <summary>Why the definition refuses the step from <paramref name="before"/> (null: creation) to <paramref name="after"/>.</summary>
    /// <remarks>See <see cref="StateRules"/> for what a step is held to.</remarks>
    public IReadOnlyList<FieldError> Violations(JsonObject? before, JsonObject after) => Fields.Count == 0 && AdditionalFields
        ? []
        : [.. StateRules.Violations(this, before, after).Take(DefinitionLimits.Violations)];

    /// <summary>
    /// The keys under which no other live record of the space may stand: the rule, and the hash of the values. A rule of
    /// which a field is absent gives none.
    /// </summary>
    public IEnumerable<(UniqueRule Rule, string Hash)> UniqueKeys(JsonObject data) =>
        from rule in Unique let hash = rule.HashOf(data) where hash is not null select (rule, hash);

    /// <summary>The definition as the file writes it, with every member of the entity and without defaults of fields.</summary>
    public JsonObject ToJson() => JsonObject.Of(
        ("version", JsonNumber.Of(Version)),
        ("fields", JsonObject.Of(Fields.Select(field => (FieldName.Of(field.Key), (JsonValue?)field.Value.ToJson())))),
        ("unique", new JsonArray([.. Unique.Select(rule => new JsonArray([.. rule.Fields.Select(field => new JsonString(FieldName.Of(field)))]))])),
        ("onEditDelete", new JsonString(OnEditDelete.Name)),
        ("additionalFields", AdditionalFields ? JsonLiteral.True : JsonLiteral.False));
}
