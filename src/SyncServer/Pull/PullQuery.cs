using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>What a page is asked for.</summary>
/// <param name="SpaceId">The space.</param>
/// <param name="Principal">Whose right to read is looked up in the page's own snapshot.</param>
/// <param name="After">The seq after which changes are wanted; null is the head (<c>cursor=now</c>).</param>
/// <param name="Floor">Tombstones up to this seq are left out; null is the head of the snapshot (a first pull).</param>
/// <param name="Entities">The filter; empty for none.</param>
internal sealed record PullRequest(Guid SpaceId, string Principal, long? After, long? Floor, IReadOnlyCollection<string> Entities)
{
    /// <summary>Changes on the page.</summary>
    public required int Limit { get; init; }

    /// <summary>Bytes of the page, which a single change may exceed.</summary>
    public required int BytesMax { get; init; }

    /// <summary>Whether checksums of the filter's entities are wanted, of the same snapshot.</summary>
    public bool Checksums { get; init; }
}

/// <summary>Where a space stands, and one page after a position, all from one snapshot.</summary>
internal sealed record PullPage(long Head, long Horizon, Role? Role, long? TagAtPosition, long HeadTag)
{
    /// <summary>The changes in seq order.</summary>
    public List<SyncRecord> Changes { get; } = [];

    /// <summary>The tag of the last change on the page.</summary>
    public long LastTag { get; set; }

    /// <summary>Whether more lies between the page and the head.</summary>
    public bool HasMore { get; set; }

    /// <summary>By entity; null where they were not asked for.</summary>
    public SortedDictionary<string, Checksum>? Checksums { get; set; }
}

/// <summary>The pull is one statement: head, horizon, role, tags and page come from one snapshot.</summary>
internal sealed class PullQuery(NpgsqlDataSource source)
{
    // The page is cut in the database, by sizes that stand in the rows, so that a large value beyond the cut is never read.
    private const string Sql = $"""
        SELECT s.head, s.tombstone_horizon,
            (SELECT role FROM members WHERE space_id = $1 AND principal = $2),
            (SELECT tag FROM changes WHERE space_id = $1 AND seq = $3),
            (SELECT tag FROM changes WHERE space_id = $1 AND seq = s.head),
            r.candidates, CASE WHEN r.is_last THEN (SELECT tag FROM changes WHERE space_id = $1 AND seq = r.seq) END,
            {SpaceRows.EnvelopeColumns},
            CASE WHEN $8 AND coalesce(r.place, 1) = 1 THEN ARRAY(SELECT entity {LiveTotals}) END,
            CASE WHEN $8 AND coalesce(r.place, 1) = 1 THEN ARRAY(SELECT live {LiveTotals}) END,
            CASE WHEN $8 AND coalesce(r.place, 1) = 1 THEN ARRAY(SELECT sum {LiveTotals}) END
        FROM spaces s
        LEFT JOIN LATERAL (
            SELECT *, lead(seq) OVER (ORDER BY seq) IS NULL AS is_last
            FROM (
                SELECT *, count(*) OVER () AS candidates, row_number() OVER (ORDER BY seq) AS place,
                    sum({SpaceRows.EnvelopeSize})
                        OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS bytes
                FROM (
                    SELECT * FROM records
                    WHERE space_id = $1 AND seq > coalesce($3, s.head)
                        AND ($5 IS NULL OR entity = ANY ($5))
                        AND NOT (deleted AND seq <= coalesce($4, s.head))
                    ORDER BY seq LIMIT $6 + 1) AS candidate) AS measured
            WHERE place <= $6 AND (place = 1 OR bytes <= $7)) AS r ON true
        WHERE s.space_id = $1
        ORDER BY r.seq
        """;

    // Read on the first row only.
    private const string LiveTotals =
        "FROM totals WHERE space_id = $1 AND live > 0 AND ($5 IS NULL OR entity = ANY ($5)) ORDER BY entity";

    private const int ChecksumsAt = 16;

    /// <summary>The page, or null where there is no such space. Who may not read it finds out by <see cref="PullPage.Role"/>.</summary>
    public async Task<PullPage?> ReadAsync(PullRequest request, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = request.SpaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = request.Principal });
        command.Parameters.Add(Number(request.After));
        command.Parameters.Add(Number(request.Floor));
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = request.Entities.Count == 0 ? DBNull.Value : request.Entities.ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
        });
        command.Parameters.Add(new NpgsqlParameter { Value = request.Limit });
        command.Parameters.Add(new NpgsqlParameter { Value = request.BytesMax });
        command.Parameters.Add(new NpgsqlParameter { Value = request.Checksums });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        PullPage? page = null;
        while (await reader.ReadAsync(cancellation))
        {
            page ??= new PullPage(reader.GetInt64(0), reader.GetInt64(1),
                reader.IsDBNull(2) ? null : (Role)reader.GetInt16(2), reader.Number(3), reader.Number(4) ?? 0)
            {
                Checksums = request.Checksums ? Checksums(reader, request.Entities) : null,
            };
            if (reader.Number(5) is { } candidates)
            {
                page.Changes.Add(SpaceRows.Record(reader, 7));
                page.HasMore = page.Changes.Count < candidates;
                page.LastTag = reader.Number(6) ?? 0;
            }
        }

        return page;
    }

    /// <summary>Of the entities of the filter, live or not; of all that have live records where there is none.</summary>
    private static SortedDictionary<string, Checksum> Checksums(NpgsqlDataReader reader, IReadOnlyCollection<string> filter)
    {
        var counts = reader.GetFieldValue<long[]>(ChecksumsAt + 1);
        var sums = reader.GetFieldValue<decimal[]>(ChecksumsAt + 2);
        var found = reader.GetFieldValue<string[]>(ChecksumsAt).Select((entity, at) => (entity, new Checksum(counts[at], (ulong)sums[at])));
        var checksums = new SortedDictionary<string, Checksum>(found.ToDictionary(), StringComparer.Ordinal);
        foreach (var entity in filter)
        {
            checksums.TryAdd(entity, default);
        }

        return checksums;
    }

    private static NpgsqlParameter Number(long? value) =>
        new() { Value = value is { } number ? number : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };
}
