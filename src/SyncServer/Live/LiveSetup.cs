using SyncServer.Storage;

namespace SyncServer.Live;

/// <summary>Who waits for a space, and how they are woken.</summary>
internal static class LiveSetup
{
    /// <summary>Behind the storage: the hints need its database, and hosted services start in order.</summary>
    public static IServiceCollection AddLive(this IServiceCollection services)
    {
        services.AddOptions<LiveOptions>().BindConfiguration(LiveOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton(Watches)
            .AddSingleton<LiveSlots>()
            .AddSingleton<LiveEnd>()
            .AddSingleton<EventStreams>()
            .AddSingleton<HintChannel>()
            .AddSingleton<HeadCheck>()
            .AddHostedService(provider => provider.GetRequiredService<HeadCheck>())
            .AddHostedService<HintListener>()
            .AddHostedService<HintSender>();
    }

    // An epoch that ends moves no head, and yet no page that was told before holds any more.
    private static SpaceWatches Watches(IServiceProvider provider)
    {
        var watches = new SpaceWatches(provider.GetRequiredService<SpaceHeads>());
        provider.GetRequiredService<ServerIdentity>().Listen(watches.ChangeAll);
        return watches;
    }
}
