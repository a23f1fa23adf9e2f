namespace SyncServer.Operators;

/// <summary>The operators' figures.</summary>
internal static class OverviewSetup
{
    public static IServiceCollection AddOverview(this IServiceCollection services) => services
        .AddSingleton<OverviewQuery>()
        .AddSingleton<OverviewEndpoint>();

    /// <summary>Maps the route, for operators only.</summary>
    public static void MapOverview(this IEndpointRouteBuilder routes) => OverviewEndpoint.Map(routes);
}
