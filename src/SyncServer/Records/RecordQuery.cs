using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Records;

/// <summary>A record, or null, and the caller's role, or null, as one snapshot had them.</summary>
internal readonly record struct FoundRecord(Role? Role, SyncRecord? Record);

/// <summary>Which live records of an entity a page is to hold.</summary>
internal sealed record RecordList(Guid SpaceId, string Principal, string Entity)
{
    /// <summary>The id after which the page begins; empty for the first.</summary>
    public required string After { get; init; }

    /// <summary>Records on the page.</summary>
    public required int Limit { get; init; }

    /// <summary>Bytes of the page, which a single record may exceed.</summary>
    public required int BytesMax { get; init; }
}

/// <summary>Reads records; each read is one statement, so role and data come from one snapshot.</summary>
internal sealed class RecordQuery(NpgsqlDataSource source)
{
    private const string One = $"""
        SELECT m.role, {SpaceRows.EnvelopeColumns}
        FROM members m
        LEFT JOIN records r ON r.space_id = $1 AND r.entity = $3 AND r.record_id = $4
        WHERE m.space_id = $1 AND m.principal = $2
        """;

    // The page is cut in the database, by sizes that stand in the rows, so that data beyond the cut is never read.
    private static readonly string Page = $"""
        SELECT m.role, true, r.candidates, {SpaceRows.EnvelopeColumns}
        FROM members m
        LEFT JOIN LATERAL (
            SELECT * FROM (
                SELECT *, count(*) OVER () AS candidates, row_number() OVER (ORDER BY record_id) AS place,
                    sum({SpaceRows.EnvelopeSize})
                        OVER (ORDER BY record_id ROWS UNBOUNDED PRECEDING) AS bytes
                FROM (
                    SELECT * FROM records
                    WHERE space_id = $1 AND entity = $3 AND record_id > $4 AND NOT deleted
                    ORDER BY record_id LIMIT $5 + 1) AS candidate) AS measured
            WHERE place <= $5 AND (place = 1 OR bytes <= $6)) AS r ON true
        WHERE m.space_id = $1 AND m.principal = $2
        ORDER BY r.record_id
        """;

    /// <summary>One record or its tombstone.</summary>
    public async Task<FoundRecord> FindAsync(Guid spaceId, string principal, RecordKey key, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(One);
        foreach (var value in (object[])[spaceId, principal, key.Entity, key.Id])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? new FoundRecord((Role)reader.GetInt16(0), reader.IsDBNull(1) ? null : SpaceRows.Record(reader, 1))
            : default;
    }

    /// <summary>Live records in the order of their ids.</summary>
    public async Task<MemberPage<SyncRecord>> ListAsync(RecordList list, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Page);
        foreach (var value in (object[])[list.SpaceId, list.Principal, list.Entity, list.After, list.Limit, list.BytesMax])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return await MemberPage<SyncRecord>.ReadAsync(command, SpaceRows.Record, cancellation);
    }
}
