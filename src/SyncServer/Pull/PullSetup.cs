namespace SyncServer.Pull;

/// <summary>Deltas since a cursor, page by page or as they come (protocol 5).</summary>
internal static class PullSetup
{
    public static IServiceCollection AddPull(this IServiceCollection services)
    {
        services.AddOptions<PullOptions>().BindConfiguration(PullOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<PullQuery>()
            .AddSingleton<SharedPages>()
            .AddSingleton<PullQueue>()
            .AddSingleton<PullAsks>()
            .AddSingleton<PullPages>()
            .AddSingleton<PullBody>()
            .AddSingleton<WatchedPages>()
            .AddSingleton<WaitRules>()
            .AddSingleton<PullWait>()
            .AddSingleton<StreamParts>()
            .AddSingleton<PullEndpoint>()
            .AddSingleton<StreamEndpoint>();
    }

    /// <summary>Maps the routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapPull(this IEndpointRouteBuilder space)
    {
        PullEndpoint.Map(space);
        StreamEndpoint.Map(space);
    }
}
