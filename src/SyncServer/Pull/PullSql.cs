using Npgsql;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>
/// The text of the pull. $1 to $6 are the space, the principal, the position, the floor of tombstones, the changes and the
/// bytes of a page; $7, only where there is one, the filter.
/// </summary>
internal static class PullSql
{
    /// <summary>The column of a <see cref="PullReach"/>.</summary>
    public const int ReachAt = 0;

    /// <summary>The column of the place on the page, from 1, of the first change in a row.</summary>
    public const int FirstAt = 1;

    /// <summary>The first column of the <see cref="ChangeArrays"/>.</summary>
    public const int ChangesAt = 2;

    /// <summary>The column of the figures, which hold the checksums.</summary>
    public const int FiguresAt = ChangesAt + ChangeArrays.Count;

    // Where the next page begins; null in a page that is too long.
    private const string Next = "CASE WHEN found > length THEN seqs[length] ELSE head END";

    // None where what was found has too many bytes together.
    private const string WholeLength = "CASE WHEN sum(size) <= $6 THEN least(count(*), $5) ELSE 0 END";

    // As many changes as there are bytes for, and one where there is any.
    private const string CutLength = "least(count(*), $5, greatest(1, count(*) FILTER (WHERE bytes <= $6)))";

    private static readonly string[] Texts = [.. Enumerable.Range(0, 8).Select(bits => Text((bits & 4) != 0, (bits & 2) != 0, (bits & 1) != 0))];

    /// <summary>The statement for a page.</summary>
    /// <param name="isFiltered">Whether there is a filter.</param>
    /// <param name="withChecksums">Whether the first row carries checksums.</param>
    /// <param name="isCut">Whether the page ends where its bytes do. Otherwise one that has too many comes without changes.</param>
    public static string Of(bool isFiltered, bool withChecksums, bool isCut) =>
        Texts[(isFiltered ? 4 : 0) | (withChecksums ? 2 : 0) | (isCut ? 1 : 0)];

    // The first row says how far the page reaches. Where there is nothing to tell, which is what most pulls find, or nobody to
    // tell it to, no record is looked at. A page is cut in the database, by sizes that stand in the rows, so that data beyond
    // the cut is never read; adding them up one by one takes a statement of its own, because few pages are too long and
    // every pull would pay for the plan. The changes come in the order of their seq because they are read so, for the only
    // row there is to join them to: sorting them again would copy the page. A LIMIT that is not known yet keeps the planner at
    // the index of (space_id, seq), whose rows come in order, for small and large spaces alike; a tag is asked for as the first
    // from its position on for the same reason, since for an empty table any index of changes looks as good as the right one.
    private static string Text(bool isFiltered, bool withChecksums, bool isCut)
    {
        var filter = (isFiltered ? "entity = ANY ($7) AND " : "") + "NOT (deleted AND seq <= $4)";
        var candidates = $"""
            SELECT seq, {SpaceRows.EnvelopeSize} AS size FROM records
            WHERE space_id = $1 AND seq > $3 AND {filter} AND head > $3 AND role IS NOT NULL
            ORDER BY seq LIMIT $5 + 1
            """;
        var found = isCut ? $"SELECT seq, sum(size) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS bytes FROM ({candidates}) AS sized" : candidates;
        return $"""
            SELECT {Reach("$1", "$3")}, first, {ChangeArrays.Names}{(withChecksums ? ", figures" : "")}
            FROM (
                SELECT head, tombstone_horizon, figures, (SELECT role FROM members WHERE space_id = $1 AND principal = $2) AS role, ({Tag("$1", "$3")}) AS tag
                FROM spaces WHERE space_id = $1 OFFSET 0) AS space
            CROSS JOIN LATERAL (
                SELECT array_agg(seq) AS seqs, count(*) AS found, ({(isCut ? CutLength : WholeLength)})::int AS length
                FROM ({found}) AS candidate) AS page
            CROSS JOIN LATERAL (SELECT generate_series(1, greatest(length, 1), {ChangeArrays.Most}) AS first) AS row
            CROSS JOIN LATERAL (
                SELECT {ChangeArrays.Aggregates}
                FROM (
                    SELECT {ChangeArrays.Columns}, CASE WHEN NOT deleted THEN data END AS data FROM records
                    WHERE space_id = $1 AND seq >= seqs[first] AND {filter}
                    ORDER BY seq LIMIT least({ChangeArrays.Most}, length - first + 1)) AS change) AS changes
            """;
    }

    /// <summary>
    /// What a <see cref="PullReach"/> reads, of a pull from a position: its space, the <c>seqs</c> that were <c>found</c> behind it, and the
    /// <c>length</c> of its page, the changes that go on it.
    /// </summary>
    public static string Reach(string space, string position) => $"""
        ARRAY[head, tombstone_horizon, role, tag, found, length, {Next},
            CASE WHEN {Next} = {position} THEN tag ELSE ({Tag(space, Next)}) END]
        """;

    /// <summary>A query for the tag of the change at a position; null where there is none.</summary>
    public static string Tag(string space, string position) =>
        $"SELECT CASE WHEN seq = {position} THEN changes.tag END FROM changes WHERE space_id = {space} AND seq >= {position} ORDER BY seq LIMIT 1";
}

/// <summary>Where a space stands and how far a page of it reaches, as the row of a pull says.</summary>
internal sealed class PullReach
{
    private const int Numbers = 8;

    private PullReach(WireArray numbers)
    {
        Head = numbers.NextNumber();
        Horizon = numbers.NextNumber();
        Role = (Role?)numbers.NextNumberOrNull();
        TagAtPosition = numbers.NextNumberOrNull();
        Found = numbers.NextNumberOrNull() ?? 0;
        Length = (int)(numbers.NextNumberOrNull() ?? 0);
        Next = numbers.NextNumberOrNull() ?? 0;
        NextTag = numbers.NextNumberOrNull() ?? 0;
    }

    public long Head { get; }

    public long Horizon { get; }

    public Role? Role { get; }

    public long? TagAtPosition { get; }

    /// <summary>Changes on the page.</summary>
    public int Length { get; }

    /// <summary>More bytes were found than go on a page, which then is nothing.</summary>
    public bool IsTooLong => Found > 0 && Length == 0;

    public bool HasMore => Found > Length;

    public long Next { get; }

    public long NextTag { get; }

    // Changes behind the position, of which at most one more than a page may have is looked for.
    private long Found { get; }

    /// <summary>Reads what <see cref="PullSql.Reach"/> made.</summary>
    public static PullReach Read(NpgsqlDataReader row, int column)
    {
        var sent = new byte[WireArray.Bytes(Numbers)];
        row.GetBytes(column, 0, sent, 0, sent.Length);
        return new PullReach(new WireArray(sent));
    }
}
