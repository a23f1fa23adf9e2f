using SyncServer.Core.Json;

namespace SyncServer.Core.Entities;

/// <summary>What a field's value may be. The name is what definitions write.</summary>
public sealed record FieldType
{
    private readonly Func<JsonValue, bool> _holds;

    private FieldType(string name, Func<JsonValue, bool> holds) => (Name, _holds) = (name, holds);

    /// <summary>As definitions write it.</summary>
    public string Name { get; }

    /// <summary>Text.</summary>
    public static readonly FieldType String = new("string", value => value is JsonString);

    /// <summary>Any number.</summary>
    public static readonly FieldType Number = new("number", value => value is JsonNumber);

    /// <summary>A number without a fraction, however it is written: 1.0 is one.</summary>
    public static readonly FieldType Integer = new("integer", value => value is JsonNumber { IsInteger: true });

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public static readonly FieldType Boolean =
        new("boolean", value => ReferenceEquals(value, JsonLiteral.True) || ReferenceEquals(value, JsonLiteral.False));

    /// <summary>A list of anything.</summary>
    public static readonly FieldType Array = new("array", value => value is JsonArray);

    /// <summary>An object; fields may be declared below it.</summary>
    public static readonly FieldType Object = new("object", value => value is JsonObject);

    /// <summary>Every type.</summary>
    public static readonly IReadOnlyList<FieldType> All = [String, Number, Integer, Boolean, Array, Object];

    /// <summary>The type of that name, or null.</summary>
    public static FieldType? Find(string name) => All.FirstOrDefault(type => type.Name == name);

    /// <summary>Whether the value is of this type.</summary>
    public bool Holds(JsonValue value) => _holds(value);
}
