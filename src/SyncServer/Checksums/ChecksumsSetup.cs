namespace SyncServer.Checksums;

/// <summary>Digests to compare a local store with (protocol 5).</summary>
internal static class ChecksumsSetup
{
    public static IServiceCollection AddChecksums(this IServiceCollection services) => services
        .AddSingleton<ChecksumsQuery>()
        .AddSingleton<Scans>()
        .AddSingleton<ChecksumsEndpoint>();

    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapChecksums(this IEndpointRouteBuilder space) => ChecksumsEndpoint.Map(space);
}
