using Microsoft.EntityFrameworkCore;

namespace SyncServer.Storage;

/// <summary>Which history of the database is served. Loaded once, before the first request; the same at every server.</summary>
public sealed class ServerIdentity(IDbContextFactory<SyncDb> databases)
{
    private ServerRow? _row;

    /// <summary>The epoch that cursors, sessions and pages name: 32 lower-case hex digits.</summary>
    public string Epoch => Row.Epoch;

    /// <summary>The key that authenticates cursors: 32 bytes. A secret.</summary>
    public ReadOnlyMemory<byte> CursorKey => Row.CursorKey;

    private ServerRow Row => _row ?? throw new InvalidOperationException("The identity is used before it is loaded.");

    /// <summary>Reads the identity. Fails where the database has none, which a migration would have given it.</summary>
    public async Task LoadAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var applied = await db.Database.GetAppliedMigrationsAsync(cancel);
        _row = applied.Any() ? await db.Server.AsNoTracking().SingleOrDefaultAsync(cancel) : null;
        if (_row is null)
        {
            throw new InvalidOperationException(
                $"The database is not migrated. Run `SyncServer {StorageCommands.Migrate}`, "
                + $"or set {DatabaseOptions.Section}:{nameof(DatabaseOptions.MigrateOnStart)}.");
        }
    }
}
