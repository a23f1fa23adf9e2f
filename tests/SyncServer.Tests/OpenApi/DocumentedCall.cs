using System.Text;
using System.Text.Json.Nodes;

namespace SyncServer.Tests.OpenApi;

/// <summary>An operation as a reader of the document would call it: with the examples of its parameters and one of its bodies.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="MediaType">Of the body; null where there is none.</param>
/// <param name="Example">The body's example; null where there is none.</param>
internal sealed record DocumentedCall(Operation Operation, string? MediaType, JsonObject? Example)
{
    /// <summary>The status that the example names, or the smallest documented one: on an empty server, in the document's order.</summary>
    public int ExpectedStatus => (int?)Example?["x-status"]
        ?? Operation.Members["responses"]!.AsObject().Select(response => response.Key).Where(status => status != "default").Min(int.Parse);

    /// <summary>One call for each example of a body; one for an operation without a body.</summary>
    public static IEnumerable<DocumentedCall> Of(Operation operation) => operation.Members["requestBody"] is not { } body
        ? [new DocumentedCall(operation, null, null)]
        : from content in body["content"]!.AsObject()
          from example in content.Value!["examples"]!.AsObject()
          select new DocumentedCall(operation, content.Key, example.Value!.AsObject());

    /// <summary>The request; <paramref name="known"/> gives variables of the path that an earlier answer linked to, and wins over examples.</summary>
    public HttpRequestMessage Request(OpenApiDocument document, IReadOnlyDictionary<string, string> known)
    {
        var path = Operation.Path;
        var request = new HttpRequestMessage { Method = new HttpMethod(Operation.Method) };
        foreach (var parameter in (Operation.Members["parameters"]?.AsArray() ?? []).Select(parameter => document.Resolve(parameter!)))
        {
            var (name, place) = ((string)parameter["name"]!, (string)parameter["in"]!);
            var linked = place == "path" ? known.GetValueOrDefault(name) : null;
            if ((linked ?? (string?)parameter["example"]) is not { } value)
            {
                Assert.True((bool?)parameter["required"] != true, $"{Operation}: nothing gives {name}.");
                continue;
            }

            Assert.True(place is "path" or "header", $"{Operation}: the example of {name} stands in the {place}.");
            path = place == "path" ? path.Replace($"{{{name}}}", value, StringComparison.Ordinal) : path;
            Assert.True(place == "path" || request.Headers.TryAddWithoutValidation(name, value));
        }

        request.RequestUri = new Uri(path, UriKind.Relative);
        request.Content = Example is null ? null : new StringContent(Example["value"]!.ToJsonString(), Encoding.UTF8, MediaType!);
        return request;
    }

    public override string ToString() => $"{Operation}: {Example?["summary"]}";
}
