namespace SyncServer.Http;

/// <summary>Routes that answer GET, and HEAD with the same headers (RFC 9110, 9.3.2).</summary>
internal static class ReadRoutes
{
    /// <summary>What is added to the returned builder, a name for one, holds for GET alone.</summary>
    public static RouteHandlerBuilder MapRead(this IEndpointRouteBuilder routes, string pattern, Delegate handler)
    {
        routes.MapMethods(pattern, [HttpMethods.Head], handler);
        return routes.MapGet(pattern, handler);
    }
}
