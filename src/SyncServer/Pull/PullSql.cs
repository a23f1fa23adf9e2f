using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>
/// The text of the pull. $1 to $6 are the space, the principal, the position, the floor of tombstones, the changes and the
/// bytes of a page; $7, only where there is one, the filter.
/// </summary>
internal static class PullSql
{
    /// <summary>The column of a <see cref="PullReach"/>, in the first row only.</summary>
    public const int ReachAt = 0;

    /// <summary>The first column of a change; all are null where the page has none.</summary>
    public const int ChangeAt = 1;

    /// <summary>The column of the figures, which hold the checksums, in the first row only.</summary>
    public const int FiguresAt = 9;

    // Where the next page begins; null in a page that is too long.
    private const string Next = "CASE WHEN found > length THEN seqs[length] ELSE head END";

    // None where what was found has too many bytes together.
    private const string WholeLength = "CASE WHEN sum(size) <= $6 THEN least(count(*), $5) ELSE 0 END";

    private const string Figures = ", CASE WHEN change.seq > seqs[1] THEN NULL ELSE figures END";

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
            SELECT CASE WHEN change.seq > seqs[1] THEN NULL ELSE ARRAY[head, tombstone_horizon, role, tag, found, length, {Next},
                    CASE WHEN {Next} = $3 THEN tag ELSE ({Tag("$1", Next)}) END] END,
                entity, record_id, rev, deleted, updated_at, updated_by, op_id, data{(withChecksums ? Figures : "")}
            FROM (
                SELECT head, tombstone_horizon, figures, (SELECT role FROM members WHERE space_id = $1 AND principal = $2) AS role, ({Tag("$1", "$3")}) AS tag
                FROM spaces WHERE space_id = $1 OFFSET 0) AS space
            CROSS JOIN LATERAL (
                SELECT array_agg(seq) AS seqs, count(*) AS found, ({(isCut ? CutLength : WholeLength)})::int AS length
                FROM ({found}) AS candidate) AS page
            LEFT JOIN LATERAL (
                SELECT seq, {ChangesJson.Columns} FROM records
                WHERE space_id = $1 AND seq >= seqs[1] AND {filter}
                ORDER BY seq LIMIT length) AS change ON true
            """;
    }

    /// <summary>A query for the tag of the change at a position; null where there is none.</summary>
    public static string Tag(string space, string position) =>
        $"SELECT CASE WHEN seq = {position} THEN changes.tag END FROM changes WHERE space_id = {space} AND seq >= {position} ORDER BY seq LIMIT 1";
}

/// <summary>Where a space stands and how far a page of it reaches, as the first row of the pull says.</summary>
internal readonly struct PullReach(long?[] numbers)
{
    public long Head => numbers[0]!.Value;

    public long Horizon => numbers[1]!.Value;

    public Role? Role => (Role?)numbers[2];

    public long? TagAtPosition => numbers[3];

    /// <summary>Changes on the page.</summary>
    public long Length => numbers[5]!.Value;

    /// <summary>More bytes were found than go on a page.</summary>
    public bool IsTooLong => Found > 0 && Length == 0;

    public bool HasMore => Found > Length;

    public long Next => numbers[6]!.Value;

    public long NextTag => numbers[7] ?? 0;

    // Changes behind the position, of which at most one more than a page may have is looked for.
    private long Found => numbers[4]!.Value;
}
