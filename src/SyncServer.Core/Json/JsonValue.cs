using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace SyncServer.Core.Json;

/// <summary>
/// An immutable JSON value. Strings are valid Unicode without U+0000, member names are unique, and number tokens
/// stay as they were written, because <see cref="JsonParser"/> is the only way in. Equality is JSON equality:
/// member order does not matter and numbers compare by value. Absent is a null reference, never a value.
/// </summary>
public abstract class JsonValue : IEquatable<JsonValue>
{
    /// <summary>Writes the value with members in their own order and numbers as written.</summary>
    public abstract void WriteTo(Utf8JsonWriter writer);

    /// <summary>JSON equality; see the class.</summary>
    public abstract bool Equals(JsonValue? other);

    /// <inheritdoc/>
    public sealed override bool Equals(object? obj) => obj is JsonValue other && Equals(other);

    /// <summary>Consistent with JSON equality.</summary>
    public abstract override int GetHashCode();

    /// <summary>JSON equality where absent equals only absent.</summary>
    public static bool Same(JsonValue? left, JsonValue? right) =>
        left is null ? right is null : ReferenceEquals(left, right) || left.Equals(right);

    /// <summary>The value as compact UTF-8 JSON.</summary>
    public virtual ReadOnlyMemory<byte> ToUtf8() => JsonText.Write(WriteTo);

    /// <inheritdoc/>
    public override string ToString() => System.Text.Encoding.UTF8.GetString(ToUtf8().Span);
}

/// <summary><c>null</c>, <c>true</c> or <c>false</c>.</summary>
public sealed class JsonLiteral : JsonValue
{
    /// <summary>JSON <c>null</c>; inside a patch it removes.</summary>
    public static readonly JsonLiteral Null = new(JsonTokenType.Null);

    /// <summary>JSON <c>true</c>.</summary>
    public static readonly JsonLiteral True = new(JsonTokenType.True);

    /// <summary>JSON <c>false</c>.</summary>
    public static readonly JsonLiteral False = new(JsonTokenType.False);

    private readonly JsonTokenType _type;

    private JsonLiteral(JsonTokenType type) => _type = type;

    /// <inheritdoc/>
    public override bool Equals(JsonValue? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)_type;

    /// <inheritdoc/>
    public override void WriteTo(Utf8JsonWriter writer)
    {
        if (_type == JsonTokenType.Null)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteBooleanValue(_type == JsonTokenType.True);
        }
    }
}

/// <summary>A string without U+0000 and without lone surrogates.</summary>
public sealed class JsonString(string text) : JsonValue
{
    /// <summary>The unescaped text.</summary>
    public string Text { get; } = text;

    /// <inheritdoc/>
    public override bool Equals(JsonValue? other) => other is JsonString that && string.Equals(Text, that.Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override void WriteTo(Utf8JsonWriter writer) => writer.WriteStringValue(Text);
}

/// <summary>A number, kept as its token; at most <see cref="Limits.NumberLength"/> characters and finite as a double.</summary>
public sealed class JsonNumber(string token) : JsonValue
{
    /// <summary>The number as written.</summary>
    public string Token { get; } = token;

    /// <summary>The number of an integer.</summary>
    public static JsonNumber Of(long value) => new(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Whether the value is an integer, however it is written and however large: 1, 1.0 and 1e3 are.</summary>
    public bool IsInteger => Normal().Exponent >= 0;

    /// <summary>The same value under the one token that all tokens of that value share.</summary>
    public JsonNumber Canonical()
    {
        var (negative, digits, exponent) = Normal();
        var power = exponent.IsZero ? "" : string.Create(CultureInfo.InvariantCulture, $"e{exponent}");
        return new JsonNumber(digits.Length == 0 ? "0" : (negative ? "-" : "") + digits + power);
    }

    /// <summary>The value where it is an integer that every JSON reader keeps exactly, null otherwise.</summary>
    public long? AsSafeInteger()
    {
        // Nearly all tokens are digits alone.
        if (long.TryParse(Token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var plain))
        {
            return plain is >= -Limits.MaxSafeInteger and <= Limits.MaxSafeInteger ? plain : null;
        }

        return Normal().Exponent >= 0
            && decimal.TryParse(Token, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && Math.Abs(value) <= Limits.MaxSafeInteger
                ? (long)value
                : null;
    }

    /// <inheritdoc/>
    public override bool Equals(JsonValue? other) =>
        other is JsonNumber that && (string.Equals(Token, that.Token, StringComparison.Ordinal) || Normal() == that.Normal());

    /// <inheritdoc/>
    public override int GetHashCode() => Normal().GetHashCode();

    /// <inheritdoc/>
    public override void WriteTo(Utf8JsonWriter writer) => writer.WriteRawValue(Token, skipInputValidation: true);

    /// <summary>Sign, significant digits and the power of ten of the last digit: one form for every token of the same value.</summary>
    internal (bool Negative, string Digits, BigInteger Exponent) Normal()
    {
        var mark = Token.AsSpan().IndexOfAny('e', 'E');
        var mantissa = mark < 0 ? Token : Token[..mark];
        var exponent = mark < 0 ? BigInteger.Zero : BigInteger.Parse(Token.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var negative = mantissa[0] == '-';
        var digits = negative ? mantissa[1..] : mantissa;
        var point = digits.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
        {
            exponent -= digits.Length - point - 1;
            digits = digits.Remove(point, 1);
        }

        digits = digits.TrimStart('0');
        var trimmed = digits.TrimEnd('0');
        return trimmed.Length == 0 ? (false, "", BigInteger.Zero) : (negative, trimmed, exponent + digits.Length - trimmed.Length);
    }
}

/// <summary>A list; to patches and merges without a policy one value.</summary>
public sealed class JsonArray(IReadOnlyList<JsonValue> items) : JsonValue
{
    /// <summary>The elements in order.</summary>
    public IReadOnlyList<JsonValue> Items { get; } = items;

    /// <inheritdoc/>
    public override bool Equals(JsonValue? other) =>
        other is JsonArray that && Items.Count == that.Items.Count && Items.SequenceEqual(that.Items);

    /// <inheritdoc/>
    public override int GetHashCode() => Items.Aggregate(17, HashCode.Combine);

    /// <inheritdoc/>
    public override void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var item in Items)
        {
            item.WriteTo(writer);
        }

        writer.WriteEndArray();
    }
}

/// <summary>An object whose members keep the order in which they came.</summary>
public sealed class JsonObject : JsonValue
{
    private readonly JsonMembers _members;
    private byte[]? _utf8;

    /// <summary>The object without members.</summary>
    public static readonly JsonObject Empty = new(new JsonMembers());

    private JsonObject(JsonMembers members) => _members = members;

    /// <summary>An object of <paramref name="members"/>; absent values are left out. Names are unique.</summary>
    public static JsonObject Of(params IEnumerable<(string Name, JsonValue? Value)> members)
    {
        var kept = new JsonMembers();
        foreach (var (name, value) in members)
        {
            if (value is not null)
            {
                kept.Add(name, value);
            }
        }

        return new JsonObject(kept);
    }

    /// <summary>An object of these members, which it keeps: nobody may change them from now on.</summary>
    internal static JsonObject Keep(JsonMembers members) => members.Count == 0 ? Empty : new JsonObject(members);

    /// <summary>As of every value, and kept: data is measured, stored and logged, and is the same each time.</summary>
    public override ReadOnlyMemory<byte> ToUtf8() => _utf8 ??= JsonText.Bytes(this, static (writer, value) => value.WriteTo(writer));

    /// <summary>Members in order.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonValue>> Members => _members.List;

    /// <summary>The same where every op passes: without an enumerator.</summary>
    internal ReadOnlySpan<KeyValuePair<string, JsonValue>> Span => _members.Span;

    /// <summary>The number of members.</summary>
    public int Count => _members.Count;

    /// <summary>The member's value, or null where it is absent.</summary>
    public JsonValue? this[string name] => _members[name];

    /// <inheritdoc/>
    public override bool Equals(JsonValue? other) =>
        ReferenceEquals(this, other) || (other is JsonObject that && Count == that.Count && HasMembersOf(that));

    private bool HasMembersOf(JsonObject that)
    {
        foreach (var (name, value) in _members.Span)
        {
            if (!Same(value, that[name]))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override int GetHashCode() =>
        Members.Aggregate(Count, (hash, member) => hash ^ HashCode.Combine(member.Key.GetHashCode(StringComparison.Ordinal), member.Value));

    /// <inheritdoc/>
    public override void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in _members.Span)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        writer.WriteEndObject();
    }
}
