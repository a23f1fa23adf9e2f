using Npgsql;

namespace SyncServer.Retention;

/// <summary>What was taken out of outcomes.</summary>
/// <param name="Outcomes">How many were shortened.</param>
/// <param name="MayGoOn">Whether it ended at its bound, and more steps may find more. A step that lost a row to somebody else ends it too, until the next round.</param>
internal readonly record struct Shortened(long Outcomes, bool MayGoOn);

/// <summary>
/// Shortens whole outcomes past their retention, the oldest first, of whatever spaces. It takes no space's lock and waits for
/// nobody: what somebody holds is left for the next time. So it is in no deadlock, and servers that are at it together share the work.
/// </summary>
internal sealed class OutcomePurge(NpgsqlDataSource source)
{
    /// <summary>Rows in one step: some ten milliseconds, which who resolves a conflict of one of them, or erases its space, may have to wait.</summary>
    public const int RowsMax = 500;

    // The key, the fingerprint, what became of it and the revision stay for as long as the space. Rows are changed where they were
    // found, so there is one plan for every table, and no second search; while they are locked they stay there. One that
    // changed between the snapshot and its lock is somewhere else, and is left for the next time too.
    internal static readonly string Shorten = $"""
        WITH shortened AS (
            UPDATE outcomes SET body = NULL, etag = NULL, location = NULL
            WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM outcomes WHERE body IS NOT NULL AND decided_at >= $1 AND decided_at <= $2
                ORDER BY decided_at LIMIT {RowsMax} FOR UPDATE SKIP LOCKED))
            RETURNING decided_at)
        SELECT count(*), max(decided_at) FROM shortened
        """;

    /// <summary>Step after step from the oldest on, until one is not full, or for as many as are given.</summary>
    public async Task<Shortened> RunAsync(DateTimeOffset cutoff, int stepsMax, CancellationToken cancellation)
    {
        var (outcomes, from) = (0L, DateTimeOffset.MinValue);
        for (var steps = 0; steps < stepsMax; steps++)
        {
            var (rows, last) = await StepAsync(from, cutoff, cancellation);
            outcomes += rows;
            if (rows < RowsMax)
            {
                return new Shortened(outcomes, MayGoOn: false);
            }

            // Until a vacuum the index leads to what was shortened too; what this step went over, the next one need not.
            from = last;
        }

        return new Shortened(outcomes, MayGoOn: true);
    }

    /// <summary>One step, which is one transaction: how many it shortened, and when the last of them was decided.</summary>
    private async Task<(long Rows, DateTimeOffset Last)> StepAsync(DateTimeOffset from, DateTimeOffset cutoff, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Shorten);
        command.Parameters.Add(new NpgsqlParameter { Value = from });
        command.Parameters.Add(new NpgsqlParameter { Value = cutoff });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetInt64(0), reader.IsDBNull(1) ? from : reader.GetFieldValue<DateTimeOffset>(1));
    }
}
