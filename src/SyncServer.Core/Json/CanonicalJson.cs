using System.Text.Json;

namespace SyncServer.Core.Json;

/// <summary>One form for everything that says the same: members sorted by their names, no white space, no needless escapes.</summary>
public static class CanonicalJson
{
    /// <summary>SHA-256 over the canonical form. Number tokens count as written.</summary>
    public static ReadOnlyMemory<byte> Hash(JsonValue value) => JsonText.Hash(writer => Write(writer, value));

    /// <summary>The value with every number in <see cref="JsonNumber.Canonical"/> form, so that 1 and 1.0 hash alike.</summary>
    public static JsonValue NumbersByValue(JsonValue value) => value switch
    {
        JsonObject members => JsonObject.Of(members.Members.Select(member => (member.Key, (JsonValue?)NumbersByValue(member.Value)))),
        JsonArray array => new JsonArray([.. array.Items.Select(NumbersByValue)]),
        JsonNumber number => number.Canonical(),
        _ => value,
    };

    /// <summary>Writes the canonical form. Whoever writes an object around it keeps its members in the order of their names.</summary>
    internal static void Write(Utf8JsonWriter writer, JsonValue value)
    {
        switch (value)
        {
            case JsonObject members:
                writer.WriteStartObject();
                KeyValuePair<string, JsonValue>[] sorted = [.. members.Span];
                Array.Sort(sorted, static (left, right) => string.CompareOrdinal(left.Key, right.Key));
                foreach (var (name, member) in sorted)
                {
                    writer.WritePropertyName(name);
                    Write(writer, member);
                }

                writer.WriteEndObject();
                break;
            case JsonArray array:
                writer.WriteStartArray();
                foreach (var item in array.Items)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
