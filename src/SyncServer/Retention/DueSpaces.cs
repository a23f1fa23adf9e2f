using Npgsql;
using SyncServer.Core.Retention;
using SyncServer.Storage;

namespace SyncServer.Retention;

/// <summary>A space, and whether tombstones, changes or accepted ops that changed nothing are past their retention in it.</summary>
internal readonly record struct DueSpace(Guid SpaceId, bool IsDue);

/// <summary>
/// Looks at spaces in the order of their ids, some at a time, without a lock. A space costs four look-ups, each of one row in
/// an index, however much is in it, and three more where the oldest op that changed nothing met a first revision; writers keep no book
/// for it.
/// </summary>
internal sealed class DueSpaces(NpgsqlDataSource source)
{
    /// <summary>Spaces in one look: some 30 milliseconds.</summary>
    public const int SpacesMax = 1000;

    // The change behind the one above the horizon says when that one has become of no use (see LogPurge). An accepted op that
    // changed nothing waits for the change that made its revision, as in SpacePurge.
    internal static readonly string Sql = $"""
        SELECT s.space_id,
            coalesce((SELECT updated_at FROM records WHERE space_id = s.space_id AND deleted AND seq >= s.tombstone_horizon
                ORDER BY seq LIMIT 1) <= $3, false)
            OR coalesce((SELECT at FROM changes WHERE space_id = s.space_id AND seq = s.history_horizon + 2) <= $4, false)
            OR EXISTS (SELECT FROM (SELECT space_id, entity, record_id, rev, at FROM unchanged_ops WHERE space_id = s.space_id ORDER BY at LIMIT 1) AS u
                WHERE at <= $4 AND NOT EXISTS (SELECT FROM {RecordChanges.Of("u", rev => $"{rev} = u.rev")} AS change))
        FROM (SELECT space_id, tombstone_horizon, history_horizon FROM spaces
            WHERE space_id > $1 ORDER BY space_id LIMIT $2) AS s
        ORDER BY s.space_id
        """;

    /// <summary>The spaces behind <paramref name="after"/>, at most <see cref="SpacesMax"/>, due or not.</summary>
    public async Task<IReadOnlyList<DueSpace>> ReadAsync(Guid after, Cutoffs cutoffs, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        foreach (var value in (object[])[after, SpacesMax, cutoffs.Tombstones, cutoffs.History])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var spaces = new List<DueSpace>();
        while (await reader.ReadAsync(cancellation))
        {
            spaces.Add(new DueSpace(reader.GetGuid(0), reader.GetBoolean(1)));
        }

        return spaces;
    }
}
