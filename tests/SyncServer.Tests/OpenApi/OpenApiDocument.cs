using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.OpenApi;

/// <summary>The document as the server publishes it.</summary>
internal sealed class OpenApiDocument(JsonObject root)
{
    public const string Path = "/swagger/v1/swagger.json";

    public JsonObject Root => root;

    public static async Task<OpenApiDocument> LoadAsync()
    {
        using var client = TestServers.A.Anonymous();
        return new OpenApiDocument(JsonNode.Parse(await client.GetStringAsync(Path))!.AsObject());
    }

    /// <summary>Every operation, in the order of the document.</summary>
    public IEnumerable<Operation> Operations() =>
        from path in root["paths"]!.AsObject()
        from method in path.Value!.AsObject()
        select new Operation(method.Key.ToUpperInvariant(), path.Key, method.Value!.AsObject());

    /// <summary>The node itself, or what it refers to.</summary>
    public JsonObject Resolve(JsonNode node)
    {
        while (node["$ref"] is { } reference)
        {
            node = Find((string)reference!) ?? throw new InvalidOperationException($"{reference} leads nowhere.");
        }

        return node.AsObject();
    }

    /// <summary>What a reference leads to, or null.</summary>
    public JsonNode? Find(string reference) => reference.StartsWith("#/", StringComparison.Ordinal)
        ? reference[2..].Split('/').Aggregate((JsonNode?)root, (node, name) => node?[name])
        : null;

    /// <summary>The document's response for a status; null where that status is not documented.</summary>
    public JsonObject? Response(Operation operation, int status) =>
        operation.Members["responses"]![$"{status}"] is { } response ? Resolve(response) : null;

    /// <summary>Every object in the document, at any depth.</summary>
    public IEnumerable<JsonObject> Objects() => Inside(root);

    private static IEnumerable<JsonObject> Inside(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => Inside(member.Value)).Prepend(members),
        JsonArray items => items.SelectMany(Inside),
        _ => [],
    };
}

/// <summary>One method of one path.</summary>
internal sealed record Operation(string Method, string Path, JsonObject Members)
{
    public string Id => (string)Members["operationId"]!;

    /// <summary>Whether it needs a token, which the document asks for unless the operation says otherwise.</summary>
    public bool NeedsToken => Members["security"] is not JsonArray { Count: 0 };

    public override string ToString() => $"{Method} {Path} {Id}";
}
