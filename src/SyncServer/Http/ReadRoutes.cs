namespace SyncServer.Http;

/// <summary>Routes that answer GET, and HEAD with the same headers (RFC 9110, 9.3.2).</summary>
internal static class ReadRoutes
{
    /// <summary>The document describes GET alone; the name of an operation stands for one method.</summary>
    public static RouteHandlerBuilder MapRead(this IEndpointRouteBuilder routes, string pattern, Delegate handler)
    {
        routes.MapMethods(pattern, [HttpMethods.Head], handler).ExcludeFromDescription();
        return routes.MapGet(pattern, handler);
    }
}
