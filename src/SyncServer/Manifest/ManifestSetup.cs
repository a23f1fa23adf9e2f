namespace SyncServer.Manifest;

/// <summary>Which ops of an outbox have been decided (protocol 5).</summary>
internal static class ManifestSetup
{
    public static IServiceCollection AddManifest(this IServiceCollection services) => services
        .AddSingleton<ManifestQuery>()
        .AddSingleton<ManifestEndpoint>();

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapManifest(this IEndpointRouteBuilder space) => ManifestEndpoint.Map(space);
}
