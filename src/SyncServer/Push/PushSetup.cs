namespace SyncServer.Push;

/// <summary>Ops from clients' outboxes (protocol 3).</summary>
internal static class PushSetup
{
    /// <summary>Registers the push, and with it what every other write to records goes through.</summary>
    public static IServiceCollection AddPush(this IServiceCollection services)
    {
        services.AddOptions<QueueOptions>().BindConfiguration(QueueOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<PushRules>()
            .AddSingleton<PushDatabase>()
            .AddSingleton<Trust>()
            .AddSingleton<GroupCommit>()
            .AddSingleton<CommitQueue>()
            .AddSingleton<PushTransaction>()
            .AddSingleton<PushEndpoint>();
    }

    /// <summary>Maps the routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void MapPush(this IEndpointRouteBuilder space) => PushEndpoint.Map(space);
}
