using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Storage;

namespace SyncServer.Conflicts;

/// <summary>Whether a conflict waits for somebody; the numbers are stored.</summary>
internal enum ConflictState
{
    /// <summary>What was parked waits.</summary>
    Open = 1,

    /// <summary>Somebody decided.</summary>
    Resolved = 2,
}

/// <summary>Which conflicts a page is to hold.</summary>
internal sealed record ConflictList(Guid SpaceId, string Principal, ConflictState State)
{
    /// <summary>The entities of their records; empty for all.</summary>
    public required IReadOnlyCollection<string> Entities { get; init; }

    /// <summary>The conflict after which the page begins; empty for the first.</summary>
    public required string After { get; init; }

    /// <summary>Conflicts on the page.</summary>
    public required int Limit { get; init; }

    /// <summary>Bytes of the page, which a single conflict may exceed.</summary>
    public required int BytesMax { get; init; }
}

/// <summary>A conflict as it was parked, how it stands, and the record as it is now, or null.</summary>
internal sealed record FoundConflict(string ConflictId, ConflictState State, JsonObject Parked, SyncRecord? Current);

/// <summary>Reads conflicts; each read is one statement, so role, conflict and record come from one snapshot.</summary>
internal sealed class ConflictQuery(NpgsqlDataSource source)
{
    // What the envelope of the current record takes beside its data at most.
    private const int EnvelopeBytes = 2048;

    // A resolved conflict is a tombstone. Once that is purged, what was parked is still in the log as long as history is kept: in the last
    // change, which is never the first.
    private const string Kept = $"""
        FROM conflicts k
        LEFT JOIN records h ON h.space_id = $1 AND h.entity = '{RecordKey.ConflictEntity}' AND h.record_id = k.conflict_id
        LEFT JOIN LATERAL (
            SELECT before, bytes FROM changes
            WHERE h.data IS NULL AND space_id = $1 AND entity = '{RecordKey.ConflictEntity}' AND record_id = k.conflict_id AND rev > 1
            ORDER BY rev DESC LIMIT 1) AS l ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(h.data, l.before) AS parked, CASE WHEN h.data IS NULL THEN l.bytes ELSE h.data_bytes END AS parked_bytes) AS p
        WHERE k.space_id = $1 AND p.parked IS NOT NULL
        """;

    private const string Current = "LEFT JOIN records r ON r.space_id = $1 AND r.entity = c.on_entity AND r.record_id = c.on_id";

    internal static readonly string One = $"""
        SELECT m.role, c.parked IS NOT NULL, CASE WHEN c.parked IS NOT NULL THEN 1::bigint END, c.conflict_id, c.state, c.parked, {SpaceRows.RecordColumns}
        FROM members m
        LEFT JOIN LATERAL (
            SELECT k.conflict_id, k.state, k.entity AS on_entity, k.record_id AS on_id, p.parked
            {Kept} AND k.conflict_id = $3) AS c ON true
        {Current}
        WHERE m.space_id = $1 AND m.principal = $2
        """;

    // The page is cut by the sizes that rows have, so that what is beyond the cut is never read.
    internal static readonly string Page = $"""
        SELECT m.role, true, c.candidates, c.conflict_id, c.state, c.parked, {SpaceRows.RecordColumns}
        FROM members m
        LEFT JOIN LATERAL (
            SELECT * FROM (
                SELECT *, count(*) OVER () AS candidates, row_number() OVER (ORDER BY conflict_id) AS place,
                    sum(parked_bytes::bigint + current_bytes + {EnvelopeBytes})
                        OVER (ORDER BY conflict_id ROWS UNBOUNDED PRECEDING) AS bytes
                FROM (
                    SELECT k.conflict_id, k.state, k.entity AS on_entity, k.record_id AS on_id, p.parked, p.parked_bytes,
                        coalesce((SELECT data_bytes FROM records WHERE space_id = $1 AND entity = k.entity AND record_id = k.record_id), 0) AS current_bytes
                    {Kept} AND k.state = $3 AND k.conflict_id > $4 AND ($5 IS NULL OR k.entity = ANY ($5))
                    ORDER BY k.conflict_id LIMIT $6 + 1) AS candidate) AS measured
            WHERE place <= $6 AND (place = 1 OR bytes <= $7)) AS c ON true
        {Current}
        WHERE m.space_id = $1 AND m.principal = $2
        ORDER BY c.conflict_id
        """;

    /// <summary>A page of one conflict, or an empty one.</summary>
    public Task<MemberPage<FoundConflict>> FindAsync(Guid spaceId, string principal, string conflictId, CancellationToken cancellation) =>
        ReadAsync(One, [spaceId, principal, conflictId], cancellation);

    /// <summary>Conflicts in the order of their ids, which is the order in which they were opened.</summary>
    public Task<MemberPage<FoundConflict>> ListAsync(ConflictList list, CancellationToken cancellation)
    {
        var entities = new NpgsqlParameter
        {
            Value = list.Entities.Count == 0 ? DBNull.Value : list.Entities.ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
        };
        return ReadAsync(Page,
            [list.SpaceId, list.Principal, (short)list.State, list.After, entities, list.Limit, list.BytesMax], cancellation);
    }

    private async Task<MemberPage<FoundConflict>> ReadAsync(string sql, IEnumerable<object> values, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        }

        return await MemberPage<FoundConflict>.ReadAsync(command, Conflict, cancellation);
    }

    private static FoundConflict Conflict(NpgsqlDataReader reader, int at) => new(
        reader.GetString(at),
        (ConflictState)reader.GetInt16(at + 1),
        JsonParser.ParseStored(reader.GetFieldValue<byte[]>(at + 2)),
        reader.IsDBNull(at + 3) ? null : SpaceRows.Record(reader, at + 3));
}
