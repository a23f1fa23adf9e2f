using Microsoft.Extensions.Options;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>Makes the database ready before the server listens: hosted services start in order, the web server last.</summary>
internal sealed class StorageStart(
    Migrator migrator, NpgsqlDataSource source, ServerIdentity identity, IOptions<DatabaseOptions> options) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.MigrateOnStart is true)
        {
            await migrator.MigrateAsync(cancellationToken);
        }

        await identity.LoadAsync(source, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
