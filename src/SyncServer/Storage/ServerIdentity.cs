using Microsoft.Extensions.Options;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>
/// Which history of the database is served. A new one begins where the database was restored: every new connection is
/// looked at before it is used, so a database that was exchanged beneath a running server is noticed before anything is read
/// from it or written to it, and <see cref="EpochWatch"/> sees what others began. All servers come to the same epoch: it is
/// made by a compare-and-swap on the row.
/// </summary>
public sealed class ServerIdentity(IOptions<DatabaseOptions> options, ILogger<ServerIdentity> logger)
{
    // Held while sightings are compared, never over I/O: one dead connection must not hold up the looks at others.
    private readonly Lock _comparing = new();
    private readonly ServerTable _table = new(logger);
    private readonly HashSet<string> _over = new(StringComparer.Ordinal);
    private volatile Sighting? _latest;
    private Action _listeners = () => { };

    /// <summary>
    /// The history as of the latest look. What is read from the database afterwards is of this history or of a later one, so
    /// whoever labels a page takes it before the page; whoever decides about a write takes it on the connection of the write.
    /// </summary>
    public History Current => _latest?.History ?? throw new InvalidOperationException("The identity is used before it is loaded.");

    /// <summary>The epoch of <see cref="Current"/>.</summary>
    public string Epoch => Current.Epoch;

    /// <summary>The key of <see cref="Current"/>.</summary>
    public ReadOnlyMemory<byte> CursorKey => Current.CursorKey;

    /// <summary>
    /// Adds a listener for the life of the process, at composition. It is called when <see cref="Current"/> has become another
    /// history, returns at once and does not throw.
    /// </summary>
    public void Listen(Action listener) => _listeners += listener;

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
        while (!await TryLookAsync(connection, cancel))
        {
            // An epoch was replaced, here or elsewhere, or another look came between: the next round takes over what holds then.
        }
    }

    private async Task<bool> TryLookAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var before = _latest;
        var now = await _table.ReadAsync(connection, cancel) ?? throw NotMigrated();
        if (now.InRecovery)
        {
            // Its sessions outlive its promotion, which nobody would look at: they are not begun. CannotConnectNow passes by itself.
            throw new PostgresException("The database is a standby, or is still being recovered.", "FATAL", "FATAL", PostgresErrorCodes.CannotConnectNow);
        }

        if (!TryTakeOver(now, before, out var sign))
        {
            return false;
        }

        if (sign is not null)
        {
            var epoch = ServerTable.NewEpoch();
            if (await ServerTable.ReplaceAsync(connection, now.History.Epoch, epoch, now.Found, cancel))
            {
                logger.EpochBegan(epoch, now.History.Epoch, sign.Value);
            }

            return false;
        }

        if (IsNews(now.Noted, now.Found))
        {
            await ServerTable.ReplaceAsync(connection, now.History.Epoch, now.History.Epoch, now.Found, cancel);
        }

        return true;
    }

    /// <summary>
    /// Makes a sighting the latest, unless it has a sign. <paramref name="before"/> was the latest when its read began; where
    /// another look came between, nobody knows which of the two saw the database later. Then it counts only where it says the
    /// same, and otherwise false: what has to be decided needs a look that began after the latest was taken over.
    /// </summary>
    private bool TryTakeOver(Sighting now, Sighting? before, out RewindSign? sign)
    {
        lock (_comparing)
        {
            sign = null;
            var latest = _latest;
            if (!ReferenceEquals(latest, before) && !Rewinds.Continues(now, latest))
            {
                return false;
            }

            sign = Rewinds.SignOf(now, latest, _over, options.Value.EpochPerTimeline);
            if (sign is null)
            {
                TakeOver(now, latest);
            }

            return true;
        }
    }

    private void TakeOver(Sighting now, Sighting? before)
    {
        _latest = now;
        if (before is not null && before.History.Epoch != now.History.Epoch)
        {
            _over.Add(before.History.Epoch);
            logger.EpochTaken(now.History.Epoch, before.History.Epoch);
            _listeners();
        }
    }

    /// <summary>Whether a mark was found that the row lacks, or that changed without being a sign.</summary>
    private static bool IsNews(HistoryMarks noted, HistoryMarks found) =>
        (found.SystemIdentifier is not null && found.SystemIdentifier != noted.SystemIdentifier)
        || (found.Timeline is not null && found.Timeline != noted.Timeline)
        || (found.Table is not null && found.Table != noted.Table);

    private static InvalidOperationException NotMigrated(Exception? cause = null) => new(
        $"The database is not migrated. Run `SyncServer {StorageCommands.Migrate}`, "
        + $"or set {DatabaseOptions.Section}:{nameof(DatabaseOptions.MigrateOnStart)}.", cause);
}
