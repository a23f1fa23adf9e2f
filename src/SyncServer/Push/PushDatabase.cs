using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>
/// The connections of the queue: one for each worker and each lane, so that no other request can take them, and no push
/// that waits for a lock can take a worker's.
/// </summary>
internal sealed class PushDatabase(
    IConfiguration configuration, IOptions<DatabaseOptions> database, IOptions<QueueOptions> queue, ServerIdentity identity)
    : OwnPool(configuration, database, identity, () => queue.Value.Workers + queue.Value.Lanes)
{
    public ValueTask<NpgsqlConnection> OpenAsync() => Source.OpenConnectionAsync(CancellationToken.None);
}
