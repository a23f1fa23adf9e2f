using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Retention;
using SyncServer.Storage;

namespace SyncServer.Retention;

/// <summary>What was taken out of a space.</summary>
/// <param name="MayGoOn">Whether another step may find more.</param>
internal readonly record struct Purged(long Changes, long Tombstones, long Outcomes, bool MayGoOn)
{
    public static Purged operator +(Purged one, Purged other) => new(
        one.Changes + other.Changes, one.Tombstones + other.Tombstones, one.Outcomes + other.Outcomes, one.MayGoOn || other.MayGoOn);
}

/// <summary>
/// Purges a space in small steps. Each is a transaction under the space's lock, as a push is: it takes turns with the pushes of
/// the space, and with the same work of other servers, and no push ever loads half of what a step takes away.
/// </summary>
internal sealed class SpacePurge(NpgsqlDataSource source)
{
    /// <summary>Rows of a kind in one step: five to twenty milliseconds, during which the writers of this one space wait.</summary>
    public const int RowsMax = 500;

    private const string Lock = "SELECT tombstone_horizon, history_horizon FROM spaces WHERE space_id = $1 FOR UPDATE";

    // Both begin at their horizon, so that index entries of what earlier steps took away are not gone over again.
    private const string Tombstones = """
        SELECT seq, updated_at FROM records
        WHERE space_id = $1 AND deleted AND seq >= (SELECT tombstone_horizon FROM spaces WHERE space_id = $1)
        ORDER BY seq LIMIT $2
        """;

    private const string Log = """
        SELECT seq, at FROM changes
        WHERE space_id = $1 AND seq > (SELECT history_horizon FROM spaces WHERE space_id = $1)
        ORDER BY seq LIMIT $2
        """;

    // The row stays for as long as its space: it says that the id is used, up to which revision, and that it is deleted.
    private const string OutOfTheFeed = """
        UPDATE records SET seq = NULL, data = NULL, data_bytes = 0 WHERE space_id = $1 AND deleted AND seq >= $2 AND seq <= $3
        """;

    // With the change that closed a conflict goes its last content, and so its place in the list of resolved ones.
    private static readonly string OutOfTheLog = $"""
        WITH gone AS (DELETE FROM changes WHERE space_id = $1 AND seq > $2 AND seq <= $3 RETURNING entity, record_id, kind)
        DELETE FROM conflicts c USING gone
        WHERE c.space_id = $1 AND c.conflict_id = gone.record_id
            AND gone.entity = '{RecordKey.ConflictEntity}' AND gone.kind = {(int)OpKind.Delete}
        """;

    private const string Raise = "UPDATE spaces SET tombstone_horizon = $2, history_horizon = $3 WHERE space_id = $1";

    // The key, the fingerprint, what became of it and the revision stay for as long as the space.
    private const string Shorten = """
        UPDATE outcomes o SET body = NULL, etag = NULL, location = NULL
        FROM (SELECT principal, op_id FROM outcomes WHERE space_id = $1 AND body IS NOT NULL AND decided_at <= $2
            ORDER BY decided_at LIMIT $3) AS old
        WHERE o.space_id = $1 AND o.principal = old.principal AND o.op_id = old.op_id
        """;

    // It counts in merges over the change that made its revision, so it goes after that one. The limit is of rows that are looked
    // at, each once: those that wait for their change do not make the step longer, and what is behind many of them waits with them.
    internal static readonly string Forget = $"""
        WITH old AS MATERIALIZED (
            SELECT * FROM (
                SELECT space_id, entity, record_id, rev, principal, op_id FROM unchanged_ops
                WHERE space_id = $1 AND at <= $2 ORDER BY at LIMIT $3) AS oldest
            WHERE NOT EXISTS (SELECT FROM {RecordChanges.Of("oldest", rev => $"{rev} = oldest.rev")} AS change))
        DELETE FROM unchanged_ops o USING old
        WHERE o.space_id = $1 AND o.entity = old.entity AND o.record_id = old.record_id AND o.rev = old.rev
            AND o.principal = old.principal AND o.op_id = old.op_id
        """;

    /// <summary>One step through tombstones and the log: afterwards both are gone up to the horizons, or nothing has changed.</summary>
    public async Task<Purged> LogAsync(Guid spaceId, Cutoffs cutoffs, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await ReadAsync(connection, spaceId, cancellation) is not { } end)
        {
            return default;
        }

        var (before, purge) = (end.Horizons, LogPurge.Of(end, cutoffs));
        if (purge.IsEmpty)
        {
            return default;
        }

        await using var batch = new NpgsqlBatch(connection);
        Add(batch, OutOfTheFeed, spaceId, before.Tombstones, purge.TombstonesTo ?? 0);
        Add(batch, OutOfTheLog, spaceId, before.History, purge.Horizons.History);
        Add(batch, Raise, spaceId, purge.Horizons.Tombstones, purge.Horizons.History);
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return new Purged(
            purge.Horizons.History - before.History, (long)batch.BatchCommands[0].Rows, Outcomes: 0, purge.MayGoOn);
    }

    /// <summary>One step through whole outcomes.</summary>
    public async Task<Purged> OutcomesAsync(Guid spaceId, Cutoffs cutoffs, CancellationToken cancellation)
    {
        var shortened = await LockedAsync(spaceId, Shorten, cutoffs.Outcomes, cancellation);
        return default(Purged) with { Outcomes = shortened, MayGoOn = shortened == RowsMax };
    }

    /// <summary>One step through accepted ops that no merge can ask for any more. Where it took none away, it would take none again.</summary>
    public async Task<Purged> UnchangedAsync(Guid spaceId, Cutoffs cutoffs, CancellationToken cancellation) =>
        default(Purged) with { MayGoOn = await LockedAsync(spaceId, Forget, cutoffs.History, cancellation) > 0 };

    /// <summary>Runs a statement on at most <see cref="RowsMax"/> rows under the space's lock, and says how many it changed.</summary>
    private async Task<long> LockedAsync(Guid spaceId, string sql, DateTimeOffset cutoff, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection);
        Add(batch, Lock, spaceId);
        Add(batch, sql, spaceId, cutoff, RowsMax);
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return (long)batch.BatchCommands[1].Rows;
    }

    /// <summary>The old end of the space, from now on under its lock; null where it was erased.</summary>
    private static async Task<OldEnd?> ReadAsync(NpgsqlConnection connection, Guid spaceId, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        Add(batch, Lock, spaceId);
        Add(batch, Tombstones, spaceId, RowsMax);
        Add(batch, Log, spaceId, RowsMax);
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
        {
            return null;
        }

        var horizons = new Horizons(reader.GetInt64(0), reader.GetInt64(1));
        await reader.NextResultAsync(cancellation);
        var tombstones = await MomentsAsync(reader, cancellation);
        await reader.NextResultAsync(cancellation);
        return new OldEnd(horizons, tombstones, await MomentsAsync(reader, cancellation), RowsMax);
    }

    private static async Task<List<Moment>> MomentsAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var moments = new List<Moment>();
        while (await reader.ReadAsync(cancellation))
        {
            moments.Add(new Moment(reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1)));
        }

        return moments;
    }

    private static void Add(NpgsqlBatch batch, string sql, params IEnumerable<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        batch.BatchCommands.Add(command);
    }
}
