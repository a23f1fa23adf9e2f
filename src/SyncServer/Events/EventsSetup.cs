namespace SyncServer.Events;

/// <summary>The immutable log of a space (protocol 5).</summary>
internal static class EventsSetup
{
    public static IServiceCollection AddEvents(this IServiceCollection services) => services
        .AddSingleton<EventsQuery>()
        .AddSingleton<EventsEndpoint>();

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapEvents(this IEndpointRouteBuilder space) => EventsEndpoint.Map(space);
}
