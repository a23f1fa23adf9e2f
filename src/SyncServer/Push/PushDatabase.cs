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
    // A group of usual size as a whole: piece by piece, PostgreSQL's process would be woken for each, and wait for the next.
    private const int WriteBuffer = 128 * 1024;

    // The connection string may be set until the host is started.
    private readonly Lazy<NpgsqlDataSource> _source = new(() => DataSource.Create(
        configuration.GetConnectionString(StorageSetup.ConnectionName)!,
        database.Value,
        inspect: identity.InspectAsync,
        poolSize: queue.Value.Workers + queue.Value.Lanes,
        writeBuffer: WriteBuffer));

    public ValueTask<NpgsqlConnection> OpenAsync() => _source.Value.OpenConnectionAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _source.IsValueCreated ? _source.Value.DisposeAsync() : ValueTask.CompletedTask;
}
