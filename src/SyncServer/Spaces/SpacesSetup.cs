namespace SyncServer.Spaces;

/// <summary>Spaces, their members and the session.</summary>
internal static class SpacesSetup
{
    public static IServiceCollection AddSpaces(this IServiceCollection services) => services
        .AddSingleton<SpaceDirectory>()
        .AddSingleton<SpaceCalls>()
        .AddSingleton<SpaceCreation>()
        .AddSingleton<SpaceErasure>()
        .AddSingleton<SpacesEndpoint>()
        .AddSingleton<MemberList>()
        .AddSingleton<MemberTransaction>()
        .AddSingleton<MembersEndpoint>()
        .AddSingleton<SessionSpaces>()
        .AddSingleton<SessionRules>()
        .AddSingleton<SessionEndpoint>();

    /// <summary>Maps what is not under one space.</summary>
    public static void MapSpaces(this IEndpointRouteBuilder routes)
    {
        SpacesEndpoint.Map(routes);
        SessionEndpoint.Map(routes);
    }

    /// <summary>Maps the routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapMembers(this IEndpointRouteBuilder space) => MembersEndpoint.Map(space);
}
