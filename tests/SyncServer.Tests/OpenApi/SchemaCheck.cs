using System.Text.Json;
using System.Text.Json.Nodes;

namespace SyncServer.Tests.OpenApi;

/// <summary>
/// Checks values against the part of JSON Schema that the document uses: type, nullable, enum, required, properties,
/// additionalProperties, items, allOf, anyOf. A member that no schema names is a fault unless the schema allows more.
/// </summary>
internal sealed class SchemaCheck(OpenApiDocument document)
{
    /// <summary>What is wrong with the value; of several alternatives, what is wrong by the closest.</summary>
    public IReadOnlyList<string> Faults(JsonNode schema, JsonNode? value, string at = "$") =>
        Alternatives(schema).Select(parts => FaultsOf(parts, value, at).ToList()).MinBy(faults => faults.Count)!;

    /// <summary>A schema without references and combinations: any of these lists, each of whose members has to hold.</summary>
    private List<List<JsonObject>> Alternatives(JsonNode node)
    {
        var schema = document.Resolve(node);
        List<List<JsonObject>> found = [[schema]];
        foreach (var part in schema["allOf"]?.AsArray() ?? [])
        {
            found = [.. from before in found from more in Alternatives(part!) select before.Concat(more).ToList()];
        }

        return schema["anyOf"] is not JsonArray choices
            ? found
            : [.. from before in found from choice in choices from more in Alternatives(choice!) select before.Concat(more).ToList()];
    }

    private IEnumerable<string> FaultsOf(List<JsonObject> parts, JsonNode? value, string at)
    {
        var types = parts.Select(part => (string?)part["type"]).OfType<string>().Distinct().ToList();
        if (value is null)
        {
            return types.Count == 0 || parts.Exists(part => (bool?)part["nullable"] == true) ? [] : [$"{at} is null"];
        }

        var allowed = parts.Select(part => part["enum"]).OfType<JsonArray>();
        return types.Where(type => !IsOf(type, value)).Select(type => $"{at} is no {type}")
            .Concat(allowed.Where(values => !values.Any(one => JsonNode.DeepEquals(one, value))).Select(_ => $"{at} is {value.ToJsonString()}"))
            .Concat(value switch
            {
                JsonObject members => FaultsOfMembers(parts, members, at),
                JsonArray items => parts.Select(part => part["items"]).OfType<JsonNode>()
                    .SelectMany(schema => items.SelectMany((item, i) => Faults(schema, item, $"{at}[{i}]"))),
                _ => [],
            });
    }

    private IEnumerable<string> FaultsOfMembers(List<JsonObject> parts, JsonObject members, string at)
    {
        var required = parts.SelectMany(part => part["required"]?.AsArray() ?? []).Select(name => (string)name!);
        foreach (var name in required.Where(name => !members.ContainsKey(name)))
        {
            yield return $"{at}.{name} is missing";
        }

        var isOpen = parts.Exists(part => part["additionalProperties"] is JsonValue) || !parts.Exists(part => part["properties"] is not null);
        foreach (var (name, value) in members)
        {
            var schemas = parts.Select(part => part["properties"]?[name] ?? part["additionalProperties"] as JsonObject).OfType<JsonNode>().ToList();
            if (schemas.Count == 0 && !isOpen)
            {
                yield return $"{at}.{name} is not documented";
            }

            foreach (var fault in schemas.SelectMany(schema => Faults(schema, value, $"{at}.{name}")))
            {
                yield return fault;
            }
        }
    }

    private static bool IsOf(string type, JsonNode value) => (type, value.GetValueKind()) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => value.ToJsonString().All(c => char.IsAsciiDigit(c) || c == '-'),
        _ => false,
    };
}
