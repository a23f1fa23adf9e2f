using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>Registers the database.</summary>
public static class StorageSetup
{
    /// <summary>The name of the connection string.</summary>
    public const string ConnectionName = "Sync";

    /// <summary>The key of the data source whose connections are sessions of their own, for those who keep one for good.</summary>
    public const string Unpooled = "unpooled";

    /// <summary>
    /// Adds the data source, <see cref="SyncDb"/> (scoped, and as <see cref="IDbContextFactory{TContext}"/>),
    /// <see cref="Migrator"/> and <see cref="ServerIdentity"/>. The connection string is read when the data source is
    /// first used, so a hosted service that was registered earlier may still provide it. Before the first request the
    /// schema is migrated, if so configured, and the identity is loaded; the host does not start where that fails. Afterwards
    /// unique keys are brought to those of the definitions, which are registered by whoever calls.
    /// </summary>
    public static WebApplicationBuilder AddStorage(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<DatabaseOptions>()
            .BindConfiguration(DatabaseOptions.Section)
            .PostConfigure<IHostEnvironment>((options, host) => options.MigrateOnStart ??= host.IsDevelopment());
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => DataSource.Create(
            ConnectionString(provider.GetRequiredService<IConfiguration>()),
            provider.GetRequiredService<IOptions<DatabaseOptions>>().Value,
            provider.GetRequiredService<ILoggerFactory>(),
            connection => provider.GetRequiredService<ServerIdentity>().InspectAsync(connection)));
        services.AddKeyedSingleton(Unpooled, (provider, _) => DataSource.CreateUnpooled(
            ConnectionString(provider.GetRequiredService<IConfiguration>()),
            provider.GetRequiredService<IOptions<DatabaseOptions>>().Value,
            provider.GetRequiredService<ILoggerFactory>()));
        services.AddPooledDbContextFactory<SyncDb>((provider, options) =>
            options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()));
        services.AddSingleton<Migrator>();
        services.AddSingleton<ServerIdentity>();
        services.AddSingleton<EpochProof>();
        services.AddSingleton<UniqueRegister>();
        services.AddSingleton<SpaceHeads>();
        services.AddSingleton<KnownSpaces>();
        services.AddSingleton<SpaceTransaction>();
        services.AddHostedService<StorageStart>();
        services.AddHostedService<EpochWatch>();
        services.AddHostedService<UniqueCatchUp>();
        return builder;
    }

    private static string ConnectionString(IConfiguration configuration) =>
        configuration.GetConnectionString(ConnectionName) is { Length: > 0 } given
            ? given
            : throw new InvalidOperationException($"ConnectionStrings:{ConnectionName} is not set.");
}
