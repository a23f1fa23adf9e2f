using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests;

/// <summary>Small worlds of JSON: few names and few values, so that what is generated twice often collides.</summary>
internal static class Worlds
{
    private static readonly string[] Names = ["a", "b", "c/~", ""];

    private static readonly Gen<JsonValue> Scalars = Gen.Elements<JsonValue>(
        new JsonNumber("1"), new JsonNumber("1.0"), new JsonNumber("2"), new JsonString("1"), new JsonString("é😀\"\\\n"),
        JsonLiteral.True, JsonLiteral.False);

    private static readonly Gen<JsonValue> Arrays =
        Gen.Elements<JsonValue>(new JsonArray([]), new JsonArray([JsonLiteral.Null, new JsonNumber("1")]),
            new JsonArray([Parsed("""{"a":null}""")]));

    /// <summary>Data: no null outside arrays.</summary>
    public static readonly Gen<JsonObject> Data = ObjectOf(3, Gen.Frequency((4, Scalars), (1, Arrays)));

    /// <summary>Merge patches: data with nulls.</summary>
    public static readonly Gen<JsonObject> Patches =
        ObjectOf(3, Gen.Frequency((4, Scalars), (1, Arrays), (3, Gen.Constant<JsonValue>(JsonLiteral.Null))));

    /// <summary>Any value of JSON.</summary>
    public static readonly Gen<JsonValue> Values =
        Gen.OneOf(Scalars, Arrays, Gen.Constant<JsonValue>(JsonLiteral.Null), Patches.Select(patch => (JsonValue)patch));

    /// <summary>Data of few fields without nesting.</summary>
    public static readonly Gen<JsonObject> FlatData = ObjectOf(1, Gen.Elements<JsonValue>(new JsonNumber("1"), new JsonNumber("2"), new JsonNumber("3")));

    /// <summary>The object that a test wrote down.</summary>
    public static JsonObject Parsed(string json) => (JsonObject)ParsedValue(json);

    /// <summary>The value that a test wrote down.</summary>
    public static JsonValue ParsedValue(string json)
    {
        var (value, rejection) = JsonParser.Parse(System.Text.Encoding.UTF8.GetBytes(json));
        return value ?? throw new ArgumentException($"{rejection}: {json}", nameof(json));
    }

    /// <summary>Every leaf: a value that is no object, or an empty object.</summary>
    public static IEnumerable<(string Path, JsonValue Value)> Leaves(JsonObject data) =>
        MergePatch.Touched(data).Select(path => (path, JsonPointer.Find(data, path)!));

    private static Gen<JsonObject> ObjectOf(int depth, Gen<JsonValue> leaves)
    {
        var value = depth == 1
            ? leaves
            : Gen.Frequency((3, leaves), (2, ObjectOf(depth - 1, leaves).Select(inner => (JsonValue)inner)));
        return from names in Gen.SubListOf(Names)
               from values in Gen.ArrayOf(value, names.Count)
               select JsonObject.Of(names.Zip(values, (name, member) => (name, (JsonValue?)member)));
    }
}
