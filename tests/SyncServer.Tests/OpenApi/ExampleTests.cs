using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.OpenApi;

public sealed class ExampleTests
{
    private const string BodyReference = "$response.body#/";

    private static readonly Dictionary<string, string> Unlinked =
        new() { ["conflictId"] = "none", ["space"] = "00000000-0000-4000-8000-000000000000" };

    [Fact]
    public async Task On_an_empty_server_every_example_answers_what_the_document_says()
    {
        var document = await OpenApiDocument.LoadAsync();
        // The database of the tests trades durability for speed, which a server otherwise is not ready with.
        await using var server = await TestServers.StartAsync("--Database:AllowUnsafeSettings=true");
        using var client = server.As($"reader-{Guid.NewGuid()}:admin");
        var known = new Dictionary<string, Dictionary<string, string>>();
        foreach (var call in document.Operations().SelectMany(DocumentedCall.Of))
        {
            using var request = call.Request(document, known.GetValueOrDefault(call.Operation.Id) ?? []);
            // A stream has no end that could be waited for.
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var body = await CheckAsync(document, call, answer);

            Assert.True(call.ExpectedStatus == (int)answer.StatusCode, $"{call} answers {(int)answer.StatusCode}: {body}");
            Follow(document.Response(call.Operation, (int)answer.StatusCode)!["links"], body, known);
        }
    }

    [Fact]
    public async Task Without_a_token_every_operation_that_needs_one_answers_the_documented_401()
    {
        var document = await OpenApiDocument.LoadAsync();
        using var client = TestServers.A.Anonymous();
        foreach (var call in document.Operations().Where(operation => operation.NeedsToken).SelectMany(DocumentedCall.Of))
        {
            using var request = call.Request(document, Unlinked);
            using var answer = await client.SendAsync(request);
            await CheckAsync(document, call, answer);

            Assert.True((int)answer.StatusCode == 401, $"{call} answers {(int)answer.StatusCode}.");
        }
    }

    [Fact]
    public async Task In_a_space_of_others_every_operation_answers_the_documented_404()
    {
        var document = await OpenApiDocument.LoadAsync();
        using var client = TestServers.A.As($"stranger-{Guid.NewGuid()}");
        foreach (var call in document.Operations().Where(operation => operation.Path.Contains("{space}", StringComparison.Ordinal)).SelectMany(DocumentedCall.Of))
        {
            using var request = call.Request(document, Unlinked);
            using var answer = await client.SendAsync(request);
            await CheckAsync(document, call, answer);

            Assert.True((int)answer.StatusCode == 404, $"{call} answers {(int)answer.StatusCode}.");
        }
    }

    [Fact]
    public async Task Every_operation_without_its_body_or_its_key_answers_a_documented_status()
    {
        var document = await OpenApiDocument.LoadAsync();
        using var client = TestServers.A.As($"careless-{Guid.NewGuid()}:admin");
        foreach (var call in document.Operations().SelectMany(DocumentedCall.Of))
        {
            using var bodiless = call.Request(document, Unlinked);
            bodiless.Content = null;
            using var keyless = call.Request(document, Unlinked);
            keyless.Headers.Remove("Idempotency-Key");
            using var misplaced = call.Request(document, Unlinked);
            misplaced.Content = misplaced.Content is null ? null : new StringContent("{}");
            foreach (var request in new[] { bodiless, keyless, misplaced })
            {
                using var answer = await client.SendAsync(request);
                await CheckAsync(document, call, answer);
            }
        }
    }

    /// <summary>Status, content type, members and headers are documented; returns the body.</summary>
    private static async Task<JsonNode?> CheckAsync(OpenApiDocument document, DocumentedCall call, HttpResponseMessage answer)
    {
        var status = (int)answer.StatusCode;
        var body = await BodyAsync(answer);
        var response = document.Response(call.Operation, status);
        Assert.True(response is not null, $"{call} answers {status}, which is not documented: {body}");
        Assert.Equal(response["content"] is null, body is null);
        if (body is not null)
        {
            var content = response["content"]![answer.Content.Headers.ContentType!.MediaType!];
            Assert.True(content is not null, $"{call} {status} has the content type {answer.Content.Headers.ContentType}.");
            Assert.Equal([], new SchemaCheck(document).Faults(content["schema"]!, body, $"{call} {status}"));
        }

        string[] telling = ["ETag", "Location", "Idempotent-Replayed", "Retry-After", "Link", "Vary", "Cache-Control", "WWW-Authenticate", "Accept-Patch"];
        var sent = answer.Headers.Select(header => header.Key).Intersect(telling, StringComparer.OrdinalIgnoreCase);
        Assert.Equal([], sent.Except(response["headers"]?.AsObject().Select(header => header.Key) ?? []).Select(name => $"{call} {status} {name}"));
        return body;
    }

    /// <summary>The body, or null where there is none; of a stream its first line.</summary>
    private static async Task<JsonNode?> BodyAsync(HttpResponseMessage answer)
    {
        if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
            return JsonValue.Create(await reader.ReadLineAsync());
        }

        var bytes = await answer.Content.ReadAsByteArrayAsync();
        return bytes.Length == 0 ? null : JsonNode.Parse(bytes);
    }

    /// <summary>Keeps what the links of an answer say about later operations.</summary>
    private static void Follow(JsonNode? links, JsonNode? body, Dictionary<string, Dictionary<string, string>> known)
    {
        foreach (var (_, link) in links?.AsObject() ?? [])
        {
            known[(string)link!["operationId"]!] = link["parameters"]!.AsObject().ToDictionary(
                parameter => parameter.Key, parameter => (string)body![((string)parameter.Value!)[BodyReference.Length..]]!);
        }
    }
}
