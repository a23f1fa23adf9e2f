namespace SyncServer.Conflicts;

/// <summary>What waits for somebody's decision (protocol 7).</summary>
internal static class ConflictsSetup
{
    public static IServiceCollection AddConflicts(this IServiceCollection services) => services
        .AddSingleton<ConflictQuery>()
        .AddSingleton<ConflictReads>()
        .AddSingleton<ResolutionEndpoint>();

    /// <summary>Maps the routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapConflicts(this IEndpointRouteBuilder space)
    {
        ConflictReads.Map(space);
        ResolutionEndpoint.Map(space);
    }
}
