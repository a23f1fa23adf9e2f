using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;
using Swashbuckle.AspNetCore.SwaggerUI;
using SyncServer.Http;

namespace SyncServer.Operators;

/// <summary>
/// The OpenAPI document and a page to try it. The document is <c>openapi.json</c>, written by hand: the contract comes
/// first, and endpoints that read their requests themselves have no signatures to generate one from.
/// </summary>
internal static class Swagger
{
    /// <summary>Where the document is served; client generators point here.</summary>
    public const string DocumentPath = "/swagger/v1/swagger.json";

    private const string Resource = "SyncServer.openapi.json";

    /// <summary>
    /// The page at <c>/swagger</c> and its document: open in Development, for authenticated callers elsewhere. A browser
    /// sends no token by itself, so elsewhere the document is for tools, or for whoever has a proxy that adds one.
    /// </summary>
    public static void MapSwagger(this WebApplication app)
    {
        var document = ReadDocument();
        var etag = $"\"{Convert.ToHexStringLower(SHA256.HashData(document))[..16]}\"";
        var routes = app.MapGroup("");
        routes.MapRead(DocumentPath, (HttpResponse response) =>
        {
            response.Headers.CacheControl = "private, no-cache";
            return Results.Bytes(document, "application/json", entityTag: new EntityTagHeaderValue(etag));
        });
        routes.MapSwaggerUI("swagger", Configure);
        if (app.Environment.IsDevelopment())
        {
            routes.AllowAnonymous();
        }
    }

    private static void Configure(SwaggerUIOptions page)
    {
        page.DocumentTitle = "SyncServer API";
        page.SwaggerEndpoint(DocumentPath, "Sync protocol, version 1");
        page.EnableTryItOutByDefault();
        page.EnableDeepLinking();
        page.DisplayOperationId();
        page.DisplayRequestDuration();
        page.DefaultModelsExpandDepth(0);
    }

    private static byte[] ReadDocument()
    {
        using var resource = typeof(Swagger).Assembly.GetManifestResourceStream(Resource)!;
        var document = new byte[resource.Length];
        resource.ReadExactly(document);
        return document;
    }
}
