using System.Text.Json;
using SyncServer.Core.Json;

namespace SyncServer.Core.Ops;

/// <summary>
/// What makes two requests the same request (protocol 3.3): SHA-256 over canonical JSON. Member order, white space
/// and escapes do not matter; number tokens count as written, so that a repeat is a repeat and not a guess.
/// </summary>
public static class Fingerprint
{
    /// <summary>Of an op, whether it came alone or in a batch.</summary>
    public static ReadOnlyMemory<byte> OfOp(RecordKey key, OpKind kind, JsonObject members, Precondition? precondition) => JsonText.Hash(writer =>
    {
        // Every push passes here, so its canonical form is written as it comes: the members in the order of their names.
        writer.WriteStartObject();
        if (kind != OpKind.Create)
        {
            // A create has no base: 0 says the same as none.
            WritePresent(writer, "baseRev", members["baseRev"]);
        }

        WritePresent(writer, "dependsOn", members["dependsOn"]);
        writer.WriteString("entity", key.Entity);
        writer.WriteString("entityId", key.Id);
        if (precondition is not null)
        {
            writer.WriteString("ifMatch", precondition.ToString());
        }

        writer.WriteString("kind", kind.ToString());
        WritePresent(writer, "patch", members["patch"]);
        writer.WriteEndObject();
    });

    /// <summary>Of any other request: method, route, preconditions and body.</summary>
    public static ReadOnlyMemory<byte> OfRequest(string method, string route, Precondition? precondition, JsonValue? body) =>
        CanonicalJson.Hash(JsonObject.Of(
            ("method", new JsonString(method)),
            ("route", new JsonString(route)),
            ("precondition", precondition is null ? null : new JsonString(precondition.ToString())),
            ("body", body)));

    // A member that is null says the same as one that is not there.
    private static void WritePresent(Utf8JsonWriter writer, string name, JsonValue? value)
    {
        if (value is not null && !ReferenceEquals(value, JsonLiteral.Null))
        {
            writer.WritePropertyName(name);
            CanonicalJson.Write(writer, value);
        }
    }
}
