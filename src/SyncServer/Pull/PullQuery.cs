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
internal sealed record PullPage(long Head, long Horizon, Role? Role, long? TagAtPosition) : IDisposable
{
    /// <summary>Whether more lies between the page and the head.</summary>
    public required bool HasMore { get; init; }

    /// <summary>Where the next page begins: the seq of the last change here, or the head where nothing more is to come.</summary>
    public required long Next { get; init; }

    /// <summary>The tag of the change at <see cref="Next"/>; 0 where there is none.</summary>
    public required long NextTag { get; init; }

    /// <summary>By entity; null where they were not asked for.</summary>
    public SortedDictionary<string, Checksum>? Checksums { get; init; }

    /// <summary>The changes in seq order.</summary>
    public ChangesJson Changes { get; } = new();

    /// <summary>Gives back what the changes are held in.</summary>
    public void Dispose() => Changes.Dispose();
}

/// <summary>The pull is one statement: head, horizon, role, tags and page come from one snapshot.</summary>
internal sealed class PullQuery(NpgsqlDataSource source)
{
    private const string Filter = "($5 IS NULL OR entity = ANY ($5)) AND NOT (deleted AND seq <= $4)";

    // The first row says how far the page reaches, the others are its changes. Where there is nothing to tell, which is what
    // most pulls find, or nobody to tell it to, no record is looked at. The page is cut in the database, by sizes that stand
    // in the rows, so that data beyond the cut is never read; one by one they are added up only where all together are too
    // many. The changes come in the order of their seq because both parts do, one after the other: sorting them again would
    // copy the page. A LIMIT that is not known yet keeps the planner at the index of (space_id, seq), whose rows come in
    // order, for small and large spaces alike; the tag at the position is asked for as the first from there on for the same
    // reason, since for an empty table any index of changes looks as good as the right one.
    private const string Sql = $"""
        WITH space AS MATERIALIZED (
            SELECT head, tombstone_horizon,
                (SELECT role FROM members WHERE space_id = $1 AND principal = $2) AS role,
                (SELECT CASE WHEN seq = $3 THEN tag END FROM changes WHERE space_id = $1 AND seq >= $3 ORDER BY seq LIMIT 1) AS tag
            FROM spaces WHERE space_id = $1),
        candidates AS MATERIALIZED (
            SELECT count(*)::int AS found, array_agg(seq) AS seqs, sum(size) AS bytes, array_agg(size) AS sizes
            FROM (
                SELECT seq, {SpaceRows.EnvelopeSize} AS size FROM records
                WHERE space_id = $1 AND seq > $3 AND {Filter} AND (SELECT head > $3 AND role IS NOT NULL FROM space)
                ORDER BY seq LIMIT $6 + 1) AS candidate),
        page AS MATERIALIZED (
            SELECT found, seqs, least($6, CASE WHEN bytes <= $7 THEN found ELSE greatest(1, (
                SELECT count(*)::int
                FROM (SELECT sum(size) OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM unnest(sizes) AS size) AS running
                WHERE bytes <= $7)) END) AS length
            FROM candidates)
        SELECT head, tombstone_horizon, role, tag, has_more, next,
            CASE WHEN next = $3 THEN tag
                ELSE (SELECT CASE WHEN seq = next THEN tag END FROM changes WHERE space_id = $1 AND seq >= next ORDER BY seq LIMIT 1) END,
            {FirstRowEnd}
        FROM (
            SELECT *, found > length AS has_more, CASE WHEN found > length THEN seqs[length] ELSE head END AS next
            FROM space, page OFFSET 0) AS reach
        UNION ALL (
            SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, {ChangesJson.Columns}
            FROM records WHERE space_id = $1 AND seq >= (SELECT seqs[1] FROM page) AND {Filter}
            ORDER BY seq LIMIT (SELECT length FROM page))
        """;

    private const int FirstColumnOfChange = 7;
    private const int ChecksumsAt = 15;

    // The same with three columns more, for whoever asks for checksums.
    private static readonly string SqlWithChecksums = Sql
        .Replace(FirstRowEnd, FirstRowEnd + $", ARRAY(SELECT entity {LiveTotals}), ARRAY(SELECT live {LiveTotals}), ARRAY(SELECT sum {LiveTotals})", StringComparison.Ordinal)
        .Replace(ChangesJson.Columns, ChangesJson.Columns + ", NULL, NULL, NULL", StringComparison.Ordinal);

    private const string FirstRowEnd = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL";

    private const string LiveTotals =
        "FROM totals WHERE space_id = $1 AND live > 0 AND ($5 IS NULL OR entity = ANY ($5)) ORDER BY entity";

    /// <summary>The page, or null where there is no such space. Who may not read it finds out by <see cref="PullPage.Role"/>.</summary>
    public async Task<PullPage?> ReadAsync(PullRequest request, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(request.Checksums ? SqlWithChecksums : Sql);
        AddParameters(command.Parameters, request);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
        {
            return null;
        }

        var page = new PullPage(row.GetInt64(0), row.GetInt64(1), row.IsDBNull(2) ? null : (Role)row.GetInt16(2), row.Number(3))
        {
            HasMore = row.GetBoolean(4),
            Next = row.GetInt64(5),
            NextTag = row.Number(6) ?? 0,
            Checksums = request.Checksums ? Checksums(row, request.Entities) : null,
        };
        while (await row.ReadAsync(cancellation))
        {
            page.Changes.Add(row, FirstColumnOfChange);
        }

        page.Changes.End();
        return page;
    }

    private static void AddParameters(NpgsqlParameterCollection parameters, PullRequest request)
    {
        parameters.Add(new NpgsqlParameter<Guid> { TypedValue = request.SpaceId });
        parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Principal });
        // Beyond every head: after it there is nothing, and below it everything.
        parameters.Add(new NpgsqlParameter<long> { TypedValue = request.After ?? long.MaxValue });
        parameters.Add(new NpgsqlParameter<long> { TypedValue = request.Floor ?? long.MaxValue });
        parameters.Add(new NpgsqlParameter
        {
            Value = request.Entities.Count == 0 ? DBNull.Value : request.Entities.ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
        });
        parameters.Add(new NpgsqlParameter<int> { TypedValue = request.Limit });
        parameters.Add(new NpgsqlParameter<int> { TypedValue = request.BytesMax });
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
}
