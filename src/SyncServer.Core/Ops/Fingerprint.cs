using SyncServer.Core.Json;

namespace SyncServer.Core.Ops;

/// <summary>
/// What makes two requests the same request (protocol 3.3): SHA-256 over canonical JSON. Member order, white space
/// and escapes do not matter; number tokens count as written, so that a repeat is a repeat and not a guess.
/// </summary>
public static class Fingerprint
{
    /// <summary>Of an op, whether it came alone or in a batch.</summary>
    public static ReadOnlyMemory<byte> OfOp(RecordKey key, OpKind kind, JsonObject members, Precondition? precondition) =>
        CanonicalJson.Hash(JsonObject.Of(
            ("entity", new JsonString(key.Entity)),
            ("entityId", new JsonString(key.Id)),
            ("kind", new JsonString(kind.ToString())),
            // A create has no base: 0 says the same as none.
            ("baseRev", kind == OpKind.Create ? null : Present(members["baseRev"])),
            ("patch", Present(members["patch"])),
            ("dependsOn", Present(members["dependsOn"])),
            ("ifMatch", precondition is null ? null : new JsonString(precondition.ToString()))));

    /// <summary>Of any other request: method, route, preconditions and body.</summary>
    public static ReadOnlyMemory<byte> OfRequest(string method, string route, Precondition? precondition, JsonValue? body) =>
        CanonicalJson.Hash(JsonObject.Of(
            ("method", new JsonString(method)),
            ("route", new JsonString(route)),
            ("precondition", precondition is null ? null : new JsonString(precondition.ToString())),
            ("body", body)));

    // A member that is null says the same as one that is not there.
    private static JsonValue? Present(JsonValue? value) => ReferenceEquals(value, JsonLiteral.Null) ? null : value;
}
