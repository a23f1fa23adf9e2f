namespace SyncServer.Pull;

/// <summary>Deltas since a cursor (protocol 5).</summary>
internal static class PullSetup
{
    public static IServiceCollection AddPull(this IServiceCollection services) => services
        .AddSingleton<PullQuery>()
        .AddSingleton<PullAsks>()
        .AddSingleton<PullPages>()
        .AddSingleton<PullBody>()
        .AddSingleton<PullEndpoint>();

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapPull(this IEndpointRouteBuilder space) => PullEndpoint.Map(space);
}
