namespace SyncServer.Http;

/// <summary>Endpoints that all requests share.</summary>
internal static class SharedEndpoints
{
    /// <summary>
    /// The singleton that answers a hot route. A handler with a parameter for it would look it up in a scope that is made for the
    /// request and has nothing else in it. It is made with the first request: when routes are mapped, settings may still change.
    /// </summary>
    public static Lazy<T> Shared<T>(this IEndpointRouteBuilder routes)
        where T : notnull =>
        new(routes.ServiceProvider.GetRequiredService<T>, LazyThreadSafetyMode.PublicationOnly);
}
