using Microsoft.Extensions.Options;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>
/// A few connections for one use alone, beside those that all requests share: nobody else can take them, and their sessions stay warm,
/// because the same few are used again and again.
/// </summary>
internal abstract class OwnPool(IConfiguration configuration, IOptions<DatabaseOptions> database, ServerIdentity identity, Func<int> size) : IAsyncDisposable
{
    // The connection string may be set until the host is started.
    private readonly Lazy<NpgsqlDataSource> _source = new(() => DataSource.Create(
        configuration.GetConnectionString(StorageSetup.ConnectionName)!, database.Value, inspect: identity.InspectAsync, poolSize: size()));

    /// <summary>The connections.</summary>
    public NpgsqlDataSource Source => _source.Value;

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _source.IsValueCreated ? _source.Value.DisposeAsync() : ValueTask.CompletedTask;
}
