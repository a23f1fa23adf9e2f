using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Entities;

/// <summary>Reads the definition of one field, and looks for members that contradict one another.</summary>
internal sealed class FieldParser(string pointer, Members members)
{
    private static readonly FieldType[] Numeric = [FieldType.Number, FieldType.Integer];

    /// <summary>The types that a policy can merge; null: all.</summary>
    public static FieldType[]? TypesOf(FieldPolicy policy) => policy.Name switch
    {
        "counter" => Numeric,
        "max" or "min" => [.. Numeric, FieldType.String],
        "append" or "set" => [FieldType.Array],
        "text" => [FieldType.String],
        "crdt" => [FieldType.Object],
        _ => null,
    };

    /// <summary>The definition; it counts only where no error was noted.</summary>
    public FieldDefinition Parse()
    {
        members.RefuseUnknown(Vocabulary.Field);
        var field = new FieldDefinition
        {
            Pointer = pointer,
            Type = members.OneOf("type", FieldType.Find, FieldType.All.Select(type => type.Name)),
            Required = members.Flag("required", otherwise: false),
            Merge = members.OneOf("merge", FieldPolicy.Find, FieldPolicy.All.Select(policy => policy.Name)) ?? FieldPolicy.Review,
            Default = members["default"],
            Transitions = Transitions(),
            Immutable = members.Flag("immutable", otherwise: false),
        };
        RefuseContradictions(field);
        if (field.Default is { } given && DefaultRefusal(field, given) is { } refusal)
        {
            members.Refuse("default", refusal);
        }

        return field;
    }

    private StateMachine? Transitions()
    {
        const string Shape = """{ "open": ["done"], "done": ["open"] }""";
        if (members.Object("transitions", DefinitionLimits.States, Shape) is not { } declared)
        {
            return null;
        }

        var steps = new OrderedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (state, value) in declared.Members)
        {
            var next = (value as JsonArray)?.Items.OfType<JsonString>().Select(step => step.Text).ToList();
            if (next is null || next.Count != ((JsonArray)value).Items.Count)
            {
                members.Refuse("transitions", $"The steps from '{state}' are not a list of states. Write {Shape}.");
            }
            else if (next.Distinct(StringComparer.Ordinal).Count() != next.Count)
            {
                members.Refuse("transitions", $"A step from '{state}' stands twice. Name each next state once.");
            }

            steps.Add(state, next ?? []);
        }

        var machine = new StateMachine(steps);
        if (machine.States.Count is 0 or > DefinitionLimits.States || machine.States.Any(state => state.Length > DefinitionLimits.StateLength))
        {
            members.Refuse("transitions",
                $"A state machine has 1 to {DefinitionLimits.States} states of at most {DefinitionLimits.StateLength} characters. Write {Shape}.");
        }

        return machine;
    }

    private void RefuseContradictions(FieldDefinition field)
    {
        if (field.Transitions is not null && field.Type is { } type && type != FieldType.String)
        {
            members.Refuse("transitions", $"States are strings, and the field is of type {type.Name}. Make the type string, or remove 'transitions'.");
        }

        // The states of a machine are strings also where no type says so.
        var held = field.Type ?? (field.Transitions is null ? null : FieldType.String);
        if (held is not null && TypesOf(field.Merge) is { } mergeable && !mergeable.Contains(held))
        {
            var types = string.Join(" or ", mergeable.Select(one => one.Name));
            members.Refuse("merge", $"'{field.Merge.Name}' merges fields of type {types}, and this one holds {held.Name}. Change one of the two.");
        }

        if (field.Immutable && (field.Transitions is not null || TypesOf(field.Merge) is not null))
        {
            var other = field.Transitions is not null ? "'transitions'" : $"'merge': '{field.Merge.Name}'";
            members.Refuse("immutable", $"The field never changes, and {other} says how it does. Remove one of the two.");
        }
    }

    private static string? DefaultRefusal(FieldDefinition field, JsonValue given)
    {
        if (HoldsNull(given))
        {
            return "In data null means absent, so it is no default. Leave the default, or the member of it, out.";
        }

        if (given.ToUtf8().Length > DefinitionLimits.DefaultBytes)
        {
            return $"The default has more than {DefinitionLimits.DefaultBytes} bytes. Let clients write what is that large.";
        }

        if (field.Refusal(null, given) is { } refusal)
        {
            return $"The default is none for this field. {refusal}";
        }

        return TypesOf(field.Merge) is { } mergeable && !mergeable.Any(type => type.Holds(given))
            ? $"The default is none that '{field.Merge.Name}' merges. Make it one of type {string.Join(" or ", mergeable.Select(type => type.Name))}."
            : null;
    }

    // Nulls inside of lists are values.
    private static bool HoldsNull(JsonValue value) =>
        ReferenceEquals(value, JsonLiteral.Null) || value is JsonObject members && members.Members.Any(member => HoldsNull(member.Value));
}
