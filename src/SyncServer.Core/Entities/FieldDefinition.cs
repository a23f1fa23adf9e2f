using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Entities;

/// <summary>What is declared of one field.</summary>
public sealed record FieldDefinition
{
    /// <summary>JSON Pointer into <c>data</c>; never empty.</summary>
    public required string Pointer { get; init; }

    /// <summary>Null: any.</summary>
    public FieldType? Type { get; init; }

    /// <summary>Whether a record always has the field.</summary>
    public bool Required { get; init; }

    /// <summary>What decides where two sides changed the field.</summary>
    public FieldPolicy Merge { get; init; } = FieldPolicy.Review;

    /// <summary>The value of a new record that comes without one; null where there is none.</summary>
    public JsonValue? Default { get; init; }

    /// <summary>The field's state machine; null where it has none.</summary>
    public StateMachine? Transitions { get; init; }

    /// <summary>Whether a value, once there, stays for good.</summary>
    public bool Immutable { get; init; }

    /// <summary>Why the value may not become <paramref name="now"/>, or null; null stands for an absent value.</summary>
    public string? Refusal(JsonValue? was, JsonValue? now)
    {
        if (Immutable && was is not null && !JsonValue.Same(was, now))
        {
            return "The field is immutable: once set, it neither changes nor goes away.";
        }

        if (Transitions?.Refusal(was, now) is { } step)
        {
            return step;
        }

        return now is null ? Required ? "The field is required." : null : ShapeRefusal(now);
    }

    /// <summary>Why the value is none for this field, whatever was there before, or null.</summary>
    public string? ShapeRefusal(JsonValue value)
    {
        if (Type is { } type && !type.Holds(value))
        {
            return $"The field is of type {type.Name}.";
        }

        return Merge == FieldPolicy.Crdt && !CrdtUpdates.IsField(value)
            ? "The field holds the updates of a CRDT: {\"updates\":[\"<base64>\"]}."
            : null;
    }

    /// <summary>The definition as the file writes it, without what holds anyway.</summary>
    public JsonObject ToJson() => JsonObject.Of(
        ("type", Type is null ? null : new JsonString(Type.Name)),
        ("required", Required ? JsonLiteral.True : null),
        ("merge", new JsonString(Merge.Name)),
        ("default", Default),
        ("transitions", Transitions?.ToJson()),
        ("immutable", Immutable ? JsonLiteral.True : null));
}
