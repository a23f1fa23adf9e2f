using System.Security.Cryptography;
using System.Text;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Tests.Ops;

public class FingerprintTests
{
    private const string Original =
        """{"opId":"o","entity":"note","entityId":"r","kind":"update","baseRev":1,"n":7,"patch":{"a":1,"b":{"x":null,"y":"é"}},"dependsOn":["p","q"]}""";

    private static string Of(string op, Precondition? ifMatch = null)
    {
        var (parsed, _, rejection) = OpParser.Parse(Worlds.ParsedValue(op), null, ifMatch);
        Assert.Null(rejection);
        return Convert.ToHexString(parsed!.Fingerprint.Span);
    }

    [Theory]
    [InlineData("""{"dependsOn":["p","q"],"patch":{"b":{"y":"é","x":null},"a":1},"n":7,"baseRev":1,"kind":"update","entityId":"r","entity":"note","opId":"o"}""")]
    [InlineData("""
        { "opId" : "o", "entity":"note",
          "entityId":"r", "kind":"update", "baseRev":1, "n":7, "patch": { "a": 1, "b": { "x": null, "y": "é" } }, "dependsOn":[ "p", "q" ] }
        """)]
    [InlineData("""{"opId":"o","entity":"n\u006fte","entityId":"r","kind":"update","baseRev":1,"n":7,"patch":{"\u0061":1,"b":{"x":null,"y":"\u00e9"}},"dependsOn":["p","\u0071"]}""")]
    [InlineData("""{"opId":"o","entity":"note","entityId":"r","kind":"update","baseRev":1,"patch":{"a":1,"b":{"x":null,"y":"é"}},"dependsOn":["p","q"]}""")]
    [InlineData("""{"opId":"other","entity":"note","entityId":"r","kind":"update","baseRev":1,"n":8,"createdAt":5,"schema":2,"unknown":true,"patch":{"a":1,"b":{"x":null,"y":"é"}},"dependsOn":["p","q"]}""")]
    public void What_says_the_same_has_the_same_fingerprint(string op) => Assert.Equal(Of(Original), Of(op));

    [Theory]
    [InlineData("\"note\"", "\"Note\"")]
    [InlineData("\"entityId\":\"r\"", "\"entityId\":\"R\"")]
    [InlineData("\"update\"", "\"create\"")]
    [InlineData("\"baseRev\":1", "\"baseRev\":0")]
    [InlineData("\"baseRev\":1,", "")]
    [InlineData("\"baseRev\":1", "\"baseRev\":1.0")]
    [InlineData("\"a\":1", "\"a\":1.0")]
    [InlineData("\"a\":1", "\"a\":1e0")]
    [InlineData("\"a\":1", "\"a\":\"1\"")]
    [InlineData("\"a\":1", "\"a\":[1]")]
    [InlineData("\"x\":null,", "")]
    [InlineData("\"é\"", "\"e\"")]
    [InlineData("\"b\":{", "\"b\":{\"$new\":1,")]
    [InlineData("[\"p\",\"q\"]", "[\"p\"]")]
    [InlineData("[\"p\",\"q\"]", "[\"q\",\"p\"]")]
    [InlineData("[\"p\",\"q\"]", "[]")]
    [InlineData(",\"dependsOn\":[\"p\",\"q\"]", "")]
    public void What_says_something_else_has_another_fingerprint(string written, string instead)
    {
        var other = Original.Replace(written, instead, StringComparison.Ordinal).Replace("\"kind\":\"create\",\"baseRev\":1", "\"kind\":\"create\"", StringComparison.Ordinal);
        Assert.NotEqual(Original, other);
        Assert.NotEqual(Of(Original), Of(other));
    }

    [Fact]
    public void It_is_the_hash_of_the_canonical_text_and_stored_so()
    {
        Assert.Equal(Sha256("""{"baseRev":1,"dependsOn":["p","q"],"entity":"note","entityId":"r","ifMatch":"2,7","kind":"Update","patch":{"a":1,"b":{"x":null,"y":"é"}}}"""),
            Of(Original, new Precondition(true, [7, 2])));
        Assert.Equal(Sha256("""{"entity":"note","entityId":"r","kind":"Create","patch":{"A":"\"","a":[{"y":1.0,"z":0}]}}"""),
            Of("""{"opId":"o","entity":"note","entityId":"r","kind":"create","baseRev":0,"patch":{"a":[{"z":0,"y":1.0}],"A":"\u0022"}}"""));

        static string Sha256(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void A_null_member_is_an_absent_one() => Assert.Equal(
        Of("""{"opId":"o","entity":"note","entityId":"r","kind":"delete","baseRev":1}"""),
        Of("""{"opId":"o","entity":"note","entityId":"r","kind":"delete","baseRev":1,"patch":null,"dependsOn":null,"n":null}"""));

    [Fact]
    public void A_create_says_the_same_with_base_revision_0_and_without()
    {
        Assert.Equal(
            Of("""{"opId":"o","entity":"note","entityId":"r","kind":"create","baseRev":0,"patch":{}}"""),
            Of("""{"opId":"o","entity":"note","entityId":"r","kind":"create","patch":{}}"""));
        Assert.NotEqual(
            Of("""{"opId":"o","entity":"note","entityId":"r","kind":"delete","baseRev":0}"""),
            Of("""{"opId":"o","entity":"note","entityId":"r","kind":"delete"}"""));
    }

    [Fact]
    public void The_precondition_is_part_of_the_request()
    {
        string[] all =
        [
            Of(Original), Of(Original, Precondition.Exactly(1)), Of(Original, Precondition.Exactly(2)),
            Of(Original, new Precondition(true, [1, 2])), Of(Original, new Precondition(true, null)), Of(Original, Precondition.NotExists),
        ];
        Assert.Equal(all.Length, all.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(Of(Original, new Precondition(true, [2, 1])), all[3]);
    }

    [Fact]
    public void Every_kind_has_its_own()
    {
        string[] kinds = ["create", "update"];
        string[] bare = ["delete", "restore"];
        var all = kinds.Select(kind => Of($$"""{"opId":"o","entity":"note","entityId":"r","kind":"{{kind}}","patch":{} }"""))
            .Concat(bare.Select(kind => Of($$"""{"opId":"o","entity":"note","entityId":"r","kind":"{{kind}}","patch":{} }""")));
        Assert.Equal(4, all.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Patches_have_one_fingerprint_exactly_where_their_canonical_text_is_one() =>
        Property.Holds(Worlds.Patches.Two(), pair =>
        {
            static string Canonical(JsonValue value) => value is JsonObject members
                ? "{" + string.Join(',', members.Members.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => new JsonString(m.Key) + ":" + Canonical(m.Value))) + "}"
                : value.ToString();
            static string Print(JsonObject patch) =>
                Convert.ToHexString(Fingerprint.OfOp(new RecordKey("note", "r"), OpKind.Update, JsonObject.Of(("patch", patch)), null).Span);
            Assert.Equal(Canonical(pair.Item1) == Canonical(pair.Item2), Print(pair.Item1) == Print(pair.Item2));
        }, worlds: 5_000);

    [Fact]
    public void Another_request_is_told_by_method_route_precondition_and_body()
    {
        var body = Worlds.Parsed("""{"a":1,"b":2}""");
        string[] all =
        [
            Print("PUT", "/x", null, body), Print("PATCH", "/x", null, body), Print("PUT", "/y", null, body),
            Print("PUT", "/x", Precondition.NotExists, body), Print("PUT", "/x", Precondition.Exactly(1), body),
            Print("PUT", "/x", null, null), Print("PUT", "/x", null, Worlds.Parsed("""{"a":1}""")),
        ];
        Assert.Equal(all.Length, all.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(all[0], Print("PUT", "/x", null, Worlds.Parsed("""{ "b": 2, "a": 1 }""")));

        static string Print(string method, string route, Precondition? precondition, JsonValue? body) =>
            Convert.ToHexString(Fingerprint.OfRequest(method, route, precondition, body).Span);
    }
}
