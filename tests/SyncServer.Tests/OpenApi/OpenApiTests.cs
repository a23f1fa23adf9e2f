using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using SyncServer.Core;
using SyncServer.Tests.Accounts;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.OpenApi;

public sealed class OpenApiTests
{
    /// <summary>Pages for people, and what describes the routes rather than being one.</summary>
    private static readonly string[] Undocumented = ["/swagger", "/problems"];

    [Fact]
    public async Task The_document_names_exactly_the_routes_that_the_server_maps()
    {
        var document = await OpenApiDocument.LoadAsync();
        var mapped = TestServers.A.App.Services.GetServices<EndpointDataSource>()
            .SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Select(endpoint => (
                Path: "/" + endpoint.RoutePattern.RawText!.Trim('/'),
                Methods: endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [],
                Name: endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName))
            .Where(route => route.Path != "/" && !Undocumented.Any(prefix => route.Path.StartsWith(prefix, StringComparison.Ordinal)))
            // HEAD has the headers of GET and no operation of its own.
            .SelectMany(route => route.Methods.Where(method => method != "HEAD"), (route, method) => $"{method} {route.Path} {route.Name}");

        Assert.Equal(mapped.Order(StringComparer.Ordinal), document.Operations().Select(operation => $"{operation}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_reference_leads_somewhere_and_every_component_is_referred_to()
    {
        var document = await OpenApiDocument.LoadAsync();
        var references = document.Objects().Select(node => node["$ref"] as JsonValue).OfType<JsonValue>().Select(value => (string)value!).ToHashSet();
        var components = from kind in document.Root["components"]!.AsObject()
                         where kind.Key != "securitySchemes"
                         from component in kind.Value!.AsObject()
                         select $"#/components/{kind.Key}/{component.Key}";

        Assert.Equal(components.Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_link_leads_to_an_operation_and_every_variable_of_a_path_is_described()
    {
        var document = await OpenApiDocument.LoadAsync();
        var operations = document.Operations().ToList();
        var links = document.Objects().Select(node => node["links"] as JsonObject).OfType<JsonObject>().SelectMany(links => links);

        Assert.Empty(links.Select(link => (string)link.Value!["operationId"]!).Except(operations.Select(operation => operation.Id)));
        foreach (var operation in operations)
        {
            var described = (operation.Members["parameters"]?.AsArray() ?? []).Select(parameter => document.Resolve(parameter!))
                .Where(parameter => (string)parameter["in"]! == "path").Select(parameter => $"{{{parameter["name"]}}}");
            Assert.Equal(operation.Path.Split('/').Where(segment => segment.StartsWith('{')), described);
        }
    }

    [Fact]
    public async Task Every_problem_type_stands_in_exactly_one_family()
    {
        var document = await OpenApiDocument.LoadAsync();
        var families = document.Root["components"]!["schemas"]!["AnyProblem"]!["anyOf"]!.AsArray().Select(family => document.Resolve(family!));
        var types = families.SelectMany(family => family["allOf"]![1]!["properties"]!["type"]!["enum"]!.AsArray()).Select(type => (string)type!);

        Assert.Equal(Enum.GetValues<ErrorCode>().Select(code => code.Info().Type).Order(StringComparer.Ordinal), types.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_example_of_an_answer_fits_its_schema_and_every_problem_its_status()
    {
        var document = await OpenApiDocument.LoadAsync();
        var check = new SchemaCheck(document);
        var errors = Enum.GetValues<ErrorCode>().ToDictionary(code => code.Info().Type, code => code.Info());
        foreach (var operation in document.Operations())
        {
            foreach (var (status, response) in operation.Members["responses"]!.AsObject())
            {
                foreach (var (mediaType, content) in document.Resolve(response!)["content"]?.AsObject() ?? [])
                {
                    var examples = content!["examples"]?.AsObject().Select(example => example.Value!["value"]) ?? [content["example"]];
                    foreach (var example in examples)
                    {
                        Assert.True(example is not null, $"{operation} {status} has no example.");
                        Assert.Equal([], check.Faults(content["schema"]!, example, $"{operation} {status}"));
                        if (mediaType == "application/problem+json")
                        {
                            var info = errors[(string)example["type"]!];
                            Assert.Equal((info.Title, info.Status), ((string)example["title"]!, (int)example["status"]!));
                            Assert.True(status == "default" || status == $"{info.Status}", $"{operation} {status}: {info.Type}");
                        }
                    }
                }
            }
        }
    }

    [Fact]
    public async Task The_page_and_the_document_are_open_in_Development_and_need_nothing_from_elsewhere()
    {
        using var client = TestServers.A.Anonymous();
        using var page = await client.GetAsync("/swagger");
        var html = await page.Content.ReadAsStringAsync();

        Assert.Equal((HttpStatusCode.OK, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Equal("nosniff", Assert.Single(page.Headers.GetValues("X-Content-Type-Options")));
        Assert.DoesNotContain("://", html, StringComparison.Ordinal);
        var initializer = await client.GetStringAsync("/swagger/index.js");
        Assert.Contains(OpenApiDocument.Path, initializer, StringComparison.Ordinal);
        using var document = await client.GetAsync(OpenApiDocument.Path);
        Assert.Equal("application/json", document.Content.Headers.ContentType?.MediaType);
        using var again = new HttpRequestMessage(HttpMethod.Get, OpenApiDocument.Path);
        again.Headers.IfNoneMatch.Add(document.Headers.ETag!);
        using var unchanged = await client.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Fact]
    public async Task Outside_Development_the_page_and_the_document_need_a_token()
    {
        await using var server = await TestServers.StartAsync(
            ["--environment", "Production", .. AccountsServer.StaticKeys().Select(setting => $"--{setting.Key}={setting.Value}")]);
        using var nobody = server.Anonymous();
        using var somebody = server.Anonymous();
        somebody.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TokenForge.Rs256(TokenForge.Claims()));
        using var start = await nobody.GetAsync("/swagger");
        Assert.Equal(HttpStatusCode.Unauthorized, start.StatusCode);
        foreach (var path in new[] { "/swagger/index.html", "/swagger/swagger-ui-bundle.js", OpenApiDocument.Path })
        {
            using var refused = await nobody.GetAsync(path);
            using var answer = await somebody.GetAsync(path);

            Assert.Equal((path, HttpStatusCode.Unauthorized, HttpStatusCode.OK), (path, refused.StatusCode, answer.StatusCode));
        }
    }
}
