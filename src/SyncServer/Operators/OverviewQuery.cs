using Npgsql;
using NpgsqlTypes;

namespace SyncServer.Operators;

/// <summary>The counters of one entity, over all spaces that are asked for; the empty name stands for requests about no record.</summary>
internal sealed record EntityTotals(string Entity, long Live, long Applied, long Merged, long Parked, long Refused)
{
    public required long Replayed { get; init; }

    public required long Reused { get; init; }

    public required long Opened { get; init; }

    public required long Resolved { get; init; }

    /// <summary>Outcomes in the table: every one was counted once, as what it was when it was stored.</summary>
    public long Outcomes => Applied + Merged + Parked + Refused;

    /// <summary>Whether apps know the entity.</summary>
    public bool IsApps => Entity.Length > 0 && Entity[0] != '$';
}

/// <summary>Spaces, changes and counters from one snapshot.</summary>
internal sealed record Totals(long Spaces, long Changes, IReadOnlyList<EntityTotals> ByEntity)
{
    /// <summary>Changes that were purged: the sum of the history horizons, because a log has no gaps above its own.</summary>
    public required long Purged { get; init; }

    /// <summary>The tombstone horizon of the one space that was asked for.</summary>
    public required long? TombstoneHorizon { get; init; }
}

/// <summary>Adds the counters up, in one statement and so from one snapshot.</summary>
internal sealed class OverviewQuery(NpgsqlDataSource source)
{
    private const string Sql = """
        SELECT s.spaces, s.changes, s.purged, s.tombstone_horizon, t.*
        FROM (SELECT count(*) AS spaces, coalesce(sum(head), 0)::bigint AS changes,
                coalesce(sum(history_horizon), 0)::bigint AS purged, max(tombstone_horizon) FILTER (WHERE $1 IS NOT NULL) AS tombstone_horizon
            FROM spaces WHERE $1 IS NULL OR space_id = $1) AS s
        LEFT JOIN (
            SELECT entity, sum(live)::bigint, sum(applied)::bigint, sum(merged)::bigint, sum(parked)::bigint, sum(refused)::bigint,
                sum(replayed)::bigint, sum(reused)::bigint, sum(opened)::bigint, sum(resolved)::bigint
            FROM totals WHERE $1 IS NULL OR space_id = $1
            GROUP BY entity) AS t ON true
        ORDER BY t.entity
        """;

    /// <summary>Of one space, or of all where none is named.</summary>
    public async Task<Totals> ReadAsync(Guid? space, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = space is { } id ? id : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (spaces, changes, purged) = (0L, 0L, 0L);
        long? tombstoneHorizon = null;
        var totals = new List<EntityTotals>();
        while (await reader.ReadAsync(cancellation))
        {
            (spaces, changes, purged) = (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
            tombstoneHorizon = reader.IsDBNull(3) ? null : reader.GetInt64(3);
            if (!reader.IsDBNull(4))
            {
                totals.Add(Entity(reader));
            }
        }

        return new Totals(spaces, changes, totals) { Purged = purged, TombstoneHorizon = tombstoneHorizon };
    }

    private static EntityTotals Entity(NpgsqlDataReader reader) => new(
        reader.GetString(4), reader.GetInt64(5), reader.GetInt64(6), reader.GetInt64(7), reader.GetInt64(8), reader.GetInt64(9))
    {
        Replayed = reader.GetInt64(10),
        Reused = reader.GetInt64(11),
        Opened = reader.GetInt64(12),
        Resolved = reader.GetInt64(13),
    };
}
