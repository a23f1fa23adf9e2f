using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Entities;

/// <summary>Reads the definition of one entity, and then looks for fields that contradict one another.</summary>
internal sealed class EntityParser(string name, Members members, List<FieldError> errors)
{
    // Policies that take a whole object as they take any other value; the others merge inside of it.
    private static readonly FieldPolicy[] OfWholeValues = [FieldPolicy.Review, FieldPolicy.Lww, FieldPolicy.Keep, FieldPolicy.Strict];

    /// <summary>The definition; it counts only where no error was noted.</summary>
    public EntityDefinition Parse()
    {
        var before = errors.Count;
        members.RefuseUnknown(Vocabulary.Entity);
        var fields = Fields();
        var definition = new EntityDefinition(name, fields.Values)
        {
            Version = Version(),
            Unique = Unique(fields),
            OnEditDelete = members.OneOf("onEditDelete", OnEditDelete.Find, OnEditDelete.All.Select(choice => choice.Name)) ?? OnEditDelete.Review,
            AdditionalFields = members.Flag("additionalFields", otherwise: true),
        };
        RefuseOverlaps(definition);
        if (errors.Count == before)
        {
            RefuseDefaults(definition);
        }

        return definition;
    }

    private long Version()
    {
        if (members["version"] is not { } given)
        {
            return 1;
        }

        var version = (given as JsonNumber)?.AsSafeInteger() ?? 0;
        if (version < 1)
        {
            members.Refuse("version", "The version is not an integer of at least 1. Begin with 1 and add 1 at every change.");
        }

        return version;
    }

    private OrderedDictionary<string, FieldDefinition> Fields()
    {
        var fields = new OrderedDictionary<string, FieldDefinition>(StringComparer.Ordinal);
        foreach (var (written, value) in members.Object("fields", DefinitionLimits.Fields, "{ \"title\": { … } }")?.Members ?? [])
        {
            var place = JsonPointer.Child(members.Pointer("fields"), written);
            var (pointer, refusal) = FieldName.Pointer(written);
            if (refusal is not null)
            {
                errors.Add(new FieldError(place, refusal));
            }

            if (value is not JsonObject declared)
            {
                errors.Add(new FieldError(place, "The field's definition is not an object. Write {} for a field of any type."));
                continue;
            }

            var field = new FieldParser(pointer ?? "/", new Members(declared, place, errors)).Parse();
            if (pointer is not null && !fields.TryAdd(pointer, field))
            {
                errors.Add(new FieldError(place, "The field is declared twice, by its name and by its JSON Pointer. Keep one of the two."));
            }
        }

        return fields;
    }

    private List<UniqueRule> Unique(OrderedDictionary<string, FieldDefinition> fields)
    {
        const string Shape = """[["email"], ["project", "number"]]""";
        var rules = new List<UniqueRule>();
        foreach (var (index, item) in members.List("unique", DefinitionLimits.UniqueRules, Shape)?.Items.Index() ?? [])
        {
            var at = JsonPointer.Child(members.Pointer("unique"), index.ToString(System.Globalization.CultureInfo.InvariantCulture));
            var rule = new UniqueRule(FieldsOfRule(item, at, fields));
            if (rules.Any(other => other.Fields.Count > 0 && other.Name == rule.Name))
            {
                errors.Add(new FieldError(at, "The rule stands twice. Keep one of the two."));
            }

            rules.Add(rule);
        }

        return rules;
    }

    /// <summary>The pointers of one rule; a single name is a rule of one field.</summary>
    private List<string> FieldsOfRule(JsonValue item, string at, OrderedDictionary<string, FieldDefinition> fields)
    {
        var names = item is JsonString ? [item] : (item as JsonArray)?.Items ?? [];
        if (names.Count is 0 or > DefinitionLimits.UniqueFields)
        {
            errors.Add(new FieldError(at, $"The rule is not a list of 1 to {DefinitionLimits.UniqueFields} fields. Write [\"email\"]."));
            return [];
        }

        var rule = new List<string>();
        foreach (var named in names)
        {
            var (pointer, refusal) = named is JsonString { Text: var text } ? FieldName.Pointer(text) : (null, "A field is named by a string.");
            refusal ??= rule.Contains(pointer!, StringComparer.Ordinal) ? "The rule names a field twice. Name it once."
                : UniqueRefusal(fields.GetValueOrDefault(pointer!), ((JsonString)named).Text, fields.Keys);
            if (refusal is null)
            {
                rule.Add(pointer!);
            }
            else
            {
                errors.Add(new FieldError(at, refusal));
            }
        }

        return rule;
    }

    private static string? UniqueRefusal(FieldDefinition? field, string written, IEnumerable<string> declared)
    {
        if (field is null)
        {
            string[] names = [.. declared.Select(FieldName.Of)];
            return $"The field '{written}' is not declared. {(names.Length == 0 ? "Declare it under 'fields'." : Suggestion.For(written, names))}";
        }

        return field.Type == FieldType.Array || field.Type == FieldType.Object || FieldParser.TypesOf(field.Merge) is [{ } type] && type != FieldType.String
            ? $"The field '{written}' holds a list or an object. Name fields that hold a single value."
            : null;
    }

    /// <summary>A field with others below it is an object that is merged as a whole, if nothing is declared of the part.</summary>
    private void RefuseOverlaps(EntityDefinition definition)
    {
        var pairs =
            from field in definition.Fields.Values
            from level in JsonPointer.Ancestors(field.Pointer)
            where definition.Fields.ContainsKey(level)
            select (field.Pointer, Parent: definition.Fields[level]);
        foreach (var (pointer, parent) in pairs)
        {
            var reason = parent.Type is { } type && type != FieldType.Object ? $"is of type {type.Name}"
                : !OfWholeValues.Contains(parent.Merge) ? $"merges by '{parent.Merge.Name}'"
                : parent.Transitions is not null ? "is a state machine"
                : null;
            if (reason is not null)
            {
                errors.Add(new FieldError(JsonPointer.Child(members.Pointer("fields"), FieldName.Of(pointer)),
                    $"The field lies below '{FieldName.Of(parent.Pointer)}', which {reason}. Remove one of the two, or make that one a plain object."));
            }
        }
    }

    /// <summary>A new record that has nothing but its defaults breaks no rule but that something required is missing.</summary>
    private void RefuseDefaults(EntityDefinition definition)
    {
        var data = definition.WithDefaults(JsonObject.Empty);
        foreach (var violation in definition.Violations(null, data).Where(violation => JsonPointer.Find(data, violation.Pointer) is not null))
        {
            members.Refuse("fields",
                $"The defaults together contradict '{FieldName.Of(violation.Pointer)}': {violation.Detail} Change the default above it.");
        }
    }
}
