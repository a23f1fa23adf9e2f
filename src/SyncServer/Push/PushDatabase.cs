using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>
/// The connections of the queue: one for each worker and each lane, so that no other request can take them, and no push
/// that waits for a lock can take a worker's.
/// </summary>
internal sealed class PushDatabase(
    IConfiguration configuration, IOptions<DatabaseOptions> database, IOptions<QueueOptions> queue, ServerIdentity identity) : IAsyncDisposable
{
    // The connection string may be set until the host is started.
    private readonly Lazy<NpgsqlDataSource> _source = new(() => DataSource.Create(
        configuration.GetConnectionString(StorageSetup.ConnectionName)!,
        database.Value,
        inspect: identity.InspectAsync,
        poolSize: queue.Value.Workers + queue.Value.Lanes));

    public ValueTask<NpgsqlConnection> OpenAsync() => _source.Value.OpenConnectionAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _source.IsValueCreated ? _source.Value.DisposeAsync() : ValueTask.CompletedTask;
}
