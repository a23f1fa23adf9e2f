using Microsoft.Extensions.Options;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>The connections of statements that pulls share, one for each reader.</summary>
internal sealed class PullDatabase(
    IConfiguration configuration, IOptions<DatabaseOptions> database, IOptions<PullOptions> pull, ServerIdentity identity)
    : OwnPool(configuration, database, identity, () => pull.Value.Readers);
