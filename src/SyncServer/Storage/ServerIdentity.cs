using Microsoft.Extensions.Options;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>
/// Which history of the database is served. A new one begins where the database was restored: every new connection is
/// looked at before it is used, so a database that was exchanged beneath a running server is noticed before anything is read
/// from it or written to it, and <see cref="EpochWatch"/> sees what others began. All servers come to the same epoch: it is
/// made by a compare-and-swap on the row.
/// </summary>
public sealed class ServerIdentity(IOptions<DatabaseOptions> options, ILogger<ServerIdentity> logger) : IDisposable
{
    // Looks follow one another, so each sees a database at least as new as the look before it.
    private readonly SemaphoreSlim _turn = new(1);
    private readonly ServerTable _table = new(logger);
    private readonly HashSet<string> _over = new(StringComparer.Ordinal);
    private volatile Sighting? _latest;

    /// <summary>
    /// The history as of the latest look. What is read from the database afterwards is of this history or of a later one, so
    /// whoever labels a page takes it before the page; whoever decides about a write takes it on the connection of the write.
    /// </summary>
    public History Current => _latest?.History ?? throw new InvalidOperationException("The identity is used before it is loaded.");

    /// <summary>The epoch of <see cref="Current"/>.</summary>
    public string Epoch => Current.Epoch;

    /// <summary>The key of <see cref="Current"/>.</summary>
    public ReadOnlyMemory<byte> CursorKey => Current.CursorKey;

    /// <summary>The first look, which begins a new epoch where the database was restored. Fails where it is not migrated.</summary>
    public async Task LoadAsync(NpgsqlDataSource source, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        try
        {
            await LookAsync(connection, cancel);
        }
        catch (PostgresException older) when (older.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn)
        {
            throw NotMigrated(older);
        }
    }

    /// <summary>Begins a new epoch whatever the database looks like, and returns it.</summary>
    public async Task<string> BeginAsync(NpgsqlDataSource source, CancellationToken cancel)
    {
        await LoadAsync(source, cancel);
        await using var connection = await source.OpenConnectionAsync(cancel);
        var epoch = ServerTable.NewEpoch();
        while (!await ServerTable.ReplaceAsync(connection, Epoch, epoch, default, cancel))
        {
            await LookAsync(connection, cancel);
        }

        return epoch;
    }

    /// <summary>Looks at a connection that was just opened. Before <see cref="LoadAsync"/> there is nothing to compare.</summary>
    internal Task InspectAsync(NpgsqlConnection connection) =>
        _latest is null ? Task.CompletedTask : LookAsync(connection, CancellationToken.None);

    /// <summary>Makes <see cref="Current"/> what the database says, after a new epoch where there is a sign of a restore.</summary>
    internal async Task LookAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            while (!await TryLookAsync(connection, cancel))
            {
                // An epoch was replaced, here or elsewhere: the next round takes over whichever it is.
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<bool> TryLookAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var now = await _table.ReadAsync(connection, cancel) ?? throw NotMigrated();
        if (now.InRecovery)
        {
            // Its sessions outlive its promotion, which nobody would look at: they are not begun. CannotConnectNow passes by itself.
            throw new PostgresException("The database is a standby, or is still being recovered.", "FATAL", "FATAL", PostgresErrorCodes.CannotConnectNow);
        }

        if (Rewinds.SignOf(now, _latest, _over, options.Value.EpochPerTimeline) is { } sign)
        {
            var epoch = ServerTable.NewEpoch();
            if (await ServerTable.ReplaceAsync(connection, now.History.Epoch, epoch, now.Found, cancel))
            {
                logger.EpochBegan(epoch, now.History.Epoch, sign);
            }

            return false;
        }

        if (IsNews(now.Noted, now.Found))
        {
            await ServerTable.ReplaceAsync(connection, now.History.Epoch, now.History.Epoch, now.Found, cancel);
        }

        TakeOver(now);
        return true;
    }

    private void TakeOver(Sighting now)
    {
        if (_latest is { } before && before.History.Epoch != now.History.Epoch)
        {
            _over.Add(before.History.Epoch);
            logger.EpochTaken(now.History.Epoch, before.History.Epoch);
        }

        _latest = now;
    }

    /// <summary>Whether a mark was found that the row lacks, or that changed without being a sign.</summary>
    private static bool IsNews(HistoryMarks noted, HistoryMarks found) =>
        (found.SystemIdentifier is not null && found.SystemIdentifier != noted.SystemIdentifier)
        || (found.Timeline is not null && found.Timeline != noted.Timeline);

    private static InvalidOperationException NotMigrated(Exception? cause = null) => new(
        $"The database is not migrated. Run `SyncServer {StorageCommands.Migrate}`, "
        + $"or set {DatabaseOptions.Section}:{nameof(DatabaseOptions.MigrateOnStart)}.", cause);
}
