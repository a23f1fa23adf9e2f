using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Push;

namespace SyncServer.Operators;

/// <summary>Spaces, changes and figures from one snapshot.</summary>
internal sealed record Totals(long Spaces, long Changes, IReadOnlyDictionary<string, Tally> ByEntity)
{
    /// <summary>Changes that were purged: the sum of the history horizons, because a log has no gaps above its own.</summary>
    public required long Purged { get; init; }

    /// <summary>The tombstone horizon of the one space that was asked for.</summary>
    public required long? TombstoneHorizon { get; init; }
}

/// <summary>
/// Adds the figures of spaces up as one statement, and so one snapshot, gives them. The database would take twenty times as long to find
/// the numbers in the JSON as to hand it over.
/// </summary>
internal sealed class OverviewQuery(NpgsqlDataSource source)
{
    private const string Sql = "SELECT head, history_horizon, tombstone_horizon, figures FROM spaces WHERE $1 IS NULL OR space_id = $1";

    /// <summary>Of one space, or of all where none is named. Memory grows with the number of entities, not of spaces.</summary>
    public async Task<Totals> ReadAsync(Guid? space, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = space is { } id ? id : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var (spaces, changes, purged) = (0L, 0L, 0L);
        long? tombstoneHorizon = null;
        var tallies = new Tallies();
        for (; await reader.ReadAsync(cancellation); spaces++)
        {
            changes += reader.GetInt64(0);
            purged += reader.GetInt64(1);
            tombstoneHorizon = space is null ? null : reader.GetInt64(2);
            new Figures(reader.GetFieldValue<byte[]>(3)).AddTo(tallies);
        }

        return new Totals(spaces, changes, tallies.ByEntity) { Purged = purged, TombstoneHorizon = tombstoneHorizon };
    }
}
