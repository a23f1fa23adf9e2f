using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Entities;

/// <summary>The definitions of a server (protocol 4.1); without any, every entity is schemaless.</summary>
public sealed class EntityDefinitions
{
    private readonly OrderedDictionary<string, EntityDefinition> _byName = new(StringComparer.Ordinal);

    /// <summary>No definitions.</summary>
    public static readonly EntityDefinitions None = new([]);

    private EntityDefinitions(IEnumerable<EntityDefinition> definitions)
    {
        foreach (var definition in definitions)
        {
            _byName.Add(definition.Name, definition);
        }

        var rules = All.SelectMany(definition => definition.Unique.Select(rule => $"{definition.Name} {rule.Name}")).Order(StringComparer.Ordinal).ToList();
        UniqueRules = rules.Count == 0
            ? null
            : Convert.ToHexStringLower(CanonicalJson.Hash(new JsonArray([.. rules.Select(rule => new JsonString(rule))])).Span);
    }

    /// <summary>The declared definitions, in the order of the file.</summary>
    public IReadOnlyCollection<EntityDefinition> All => _byName.Values;

    /// <summary>
    /// A fingerprint of all unique rules, by which a space says whose keys it holds: the same for the same rules, in whatever
    /// order they are declared. Null without any.
    /// </summary>
    public string? UniqueRules { get; }

    /// <summary>What is declared of the entity; without a declaration it is schemaless, and every field is review.</summary>
    public EntityDefinition For(string entity) => _byName.GetValueOrDefault(entity) ?? EntityDefinition.Undeclared;

    /// <summary>
    /// The definitions of a file, or null and everything that is wrong with it: where in the file, what, and what to do.
    /// Unknown members and contradictions are errors: a rule that is mistyped would otherwise not hold, and nobody would know.
    /// </summary>
    public static (EntityDefinitions? Definitions, IReadOnlyList<FieldError> Errors) Parse(JsonObject file)
    {
        const string Shape = """{ "entities": { "note": { … } } }""";
        var errors = new List<FieldError>();
        var members = new Members(file, "", errors);
        members.RefuseUnknown(Vocabulary.File);
        if (file["entities"] is null)
        {
            errors.Add(new FieldError("", $"The file has no member 'entities'. Write {Shape}."));
        }

        var definitions = new List<EntityDefinition>();
        var at = members.Pointer("entities");
        foreach (var (name, value) in members.Object("entities", DefinitionLimits.Entities, Shape)?.Members ?? [])
        {
            var place = JsonPointer.Child(at, name);
            if (!RecordKey.IsEntity(name))
            {
                errors.Add(new FieldError(place,
                    $"The entity's name is none. Begin with a letter and go on with at most {Limits.EntityLength - 1} of A-Z a-z 0-9 _ -."));
            }

            if (value is JsonObject declared)
            {
                definitions.Add(new EntityParser(name, new Members(declared, place, errors), errors).Parse());
            }
            else
            {
                errors.Add(new FieldError(place, "The entity's definition is not an object. Write {} for one that declares nothing."));
            }
        }

        return errors.Count == 0 ? (new EntityDefinitions(definitions), errors) : (null, errors);
    }

    /// <summary>
    /// The definitions by entity, as the file's member <c>entities</c> writes them; reading that again gives the same.
    /// </summary>
    public JsonObject ToJson() => JsonObject.Of(All.Select(definition => (definition.Name, (JsonValue?)definition.ToJson())));
}
