using Npgsql;
using SyncServer.Core.Pull;

namespace SyncServer.Storage;

/// <summary>
/// A cursor of the current epoch that is ahead proves a restore: cursors are authenticated, name only what was committed, and
/// nothing that is committed goes away. It ends the epoch, so that devices learn of the restore too whose own cursors lie
/// before the point that was restored.
/// </summary>
internal sealed class EpochProof(NpgsqlDataSource source, ServerIdentity identity, ILogger<EpochProof> logger)
{
    private const string View = """
        SELECT head, tombstone_horizon, (SELECT tag FROM changes WHERE space_id = $1 AND seq = $2) FROM spaces WHERE space_id = $1
        """;

    /// <summary>
    /// True where <paramref name="history"/> is over, by this or by others, and the identity says what came after it. False where the
    /// database that takes writes knows the cursor's change: a pooler may have sent the pull to a standby that lags behind.
    /// </summary>
    public async Task<bool> TakeAsync(Cursor cursor, History history, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        await using (var transaction = await connection.BeginTransactionAsync(cancel))
        {
            // The swap goes first: it makes sure that what follows is read where writes go, and by one server at a time.
            var epoch = ServerTable.NewEpoch();
            if (await ServerTable.ReplaceAsync(connection, history.Epoch, epoch, default, cancel)
                && await IsAheadAsync(connection, cursor, cancel))
            {
                await transaction.CommitAsync(cancel);
                logger.EpochBegan(epoch, history.Epoch, RewindSign.Cursor);
            }
        }

        await identity.LookAsync(connection, cancel);
        return identity.Epoch != history.Epoch;
    }

    private static async Task<bool> IsAheadAsync(NpgsqlConnection connection, Cursor cursor, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(View, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = cursor.SpaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = cursor.Position });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel)
            && Resync.Check(cursor, new PullView(cursor.Epoch, reader.GetInt64(0), reader.GetInt64(1), reader.Number(2), cursor.Filter))
                == ResyncReason.Ahead;
    }
}
