namespace SyncServer.Live;

/// <summary>Who waits for a space, and how they are woken.</summary>
internal static class LiveSetup
{
    /// <summary>Behind the storage: the hints need its database, and hosted services start in order.</summary>
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.AddOptions<LiveOptions>().BindConfiguration(LiveOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<SpaceWatches>()
            .AddSingleton<LiveSlots>()
            .AddSingleton<LiveEnd>()
            .AddSingleton<EventStreams>()
            .AddSingleton<HintChannel>()
            .AddSingleton<HeadCheck>()
            .AddHostedService(provider => provider.GetRequiredService<HeadCheck>())
            .AddHostedService<HintListener>()
            .AddHostedService<HintSender>();
    }
}
