using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Net.Http.Headers;

namespace SyncServer.Http;

/// <summary>Headers that every answer has, errors included: added as the answer starts, whatever set or cleared them before.</summary>
internal static class ResponseHeaders
{
    public static void UseResponseHeaders(this IApplicationBuilder app)
    {
        var rules = (CompressionRules)app.ApplicationServices.GetRequiredService<IResponseCompressionProvider>();
        Func<object, Task> add = context => Add((HttpContext)context, rules);
        app.Use((context, next) =>
        {
            context.Response.OnStarting(add, context);
            return next(context);
        });
    }

    private static Task Add(HttpContext context, CompressionRules rules)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        if (context.Request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase))
        {
            // What one caller may read must never be served to another from a cache.
            Vary(headers, HeaderNames.Authorization);
        }

        rules.Complete(context);

        return Task.CompletedTask;
    }

    /// <summary>Makes sure that the answer names the request header as one that it depends on.</summary>
    public static void Vary(IHeaderDictionary headers, string name)
    {
        if (headers.Vary.Count == 0)
        {
            headers.Vary = name;
        }
        else if (!headers.GetCommaSeparatedValues(HeaderNames.Vary).Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            headers.AppendCommaSeparatedValues(HeaderNames.Vary, name);
        }
    }
}
