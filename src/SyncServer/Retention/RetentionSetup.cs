namespace SyncServer.Retention;

/// <summary>Purges what is past its retention, at every server.</summary>
internal static class RetentionSetup
{
    /// <summary>Registers the job, which begins after the database is ready: storage is registered before.</summary>
    public static WebApplicationBuilder AddRetention(this WebApplicationBuilder builder)
    {
        builder.Services
            .AddSingleton(RetentionOptions.From(builder.Configuration))
            .AddSingleton<DatabaseClock>()
            .AddSingleton<DueSpaces>()
            .AddSingleton<SpacePurge>()
            .AddSingleton<OutcomePurge>()
            .AddSingleton<RetentionParts>()
            .AddSingleton<RetentionRound>()
            .AddHostedService<RetentionJob>();
        return builder;
    }
}
