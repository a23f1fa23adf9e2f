using Npgsql;
using SyncServer.Core.Retention;

namespace SyncServer.Retention;

/// <summary>A space, and which kinds of its rows are past their retention.</summary>
internal readonly record struct DueSpace(Guid SpaceId, bool Log, bool Rest);

/// <summary>
/// Looks at spaces in the order of their ids, some at a time, without a lock. A space costs four look-ups of an oldest row, each in
/// an index, however much is in it; writers keep no book for it.
/// </summary>
internal sealed class DueSpaces(NpgsqlDataSource source)
{
    /// <summary>Spaces in one look: about 35 milliseconds.</summary>
    public const int SpacesMax = 1000;

    // The change behind the one above the horizon says when that one has become of no use (see LogPurge).
    private const string Sql = """
        SELECT s.space_id,
            coalesce((SELECT updated_at FROM records WHERE space_id = s.space_id AND deleted AND seq >= s.tombstone_horizon
                ORDER BY seq LIMIT 1) <= $3, false)
            OR coalesce((SELECT at FROM changes WHERE space_id = s.space_id AND seq = s.history_horizon + 2) <= $4, false),
            coalesce((SELECT decided_at FROM outcomes WHERE space_id = s.space_id AND body IS NOT NULL
                ORDER BY decided_at LIMIT 1) <= $5, false)
            OR coalesce((SELECT at FROM unchanged_ops WHERE space_id = s.space_id ORDER BY at LIMIT 1) <= $4, false)
        FROM (SELECT space_id, tombstone_horizon, history_horizon FROM spaces
            WHERE space_id > $1 ORDER BY space_id LIMIT $2) AS s
        ORDER BY s.space_id
        """;

    /// <summary>The spaces behind <paramref name="after"/>, at most <see cref="SpacesMax"/>, due or not.</summary>
    public async Task<IReadOnlyList<DueSpace>> ReadAsync(Guid after, Cutoffs cutoffs, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        foreach (var value in (object[])[after, SpacesMax, cutoffs.Tombstones, cutoffs.History, cutoffs.Outcomes])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var spaces = new List<DueSpace>();
        while (await reader.ReadAsync(cancellation))
        {
            spaces.Add(new DueSpace(reader.GetGuid(0), reader.GetBoolean(1), reader.GetBoolean(2)));
        }

        return spaces;
    }
}
