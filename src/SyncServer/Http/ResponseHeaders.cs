using Microsoft.Net.Http.Headers;

namespace SyncServer.Http;

/// <summary>Headers that every answer has, errors included: added as the answer starts, whatever set or cleared them before.</summary>
internal static class ResponseHeaders
{
    public static void UseResponseHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.OnStarting(Add, context);
        return next(context);
    });

    private static Task Add(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        if (!context.Request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase))
        {
            return Task.CompletedTask;
        }

        // What one caller may read must never be served to another from a cache.
        if (headers.Vary.Count == 0)
        {
            headers.Vary = HeaderNames.Authorization;
        }
        else if (!headers.GetCommaSeparatedValues(HeaderNames.Vary).Contains(HeaderNames.Authorization, StringComparer.OrdinalIgnoreCase))
        {
            headers.AppendCommaSeparatedValues(HeaderNames.Vary, HeaderNames.Authorization);
        }

        return Task.CompletedTask;
    }
}
