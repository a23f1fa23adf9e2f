using SyncServer.Core.Spaces;

namespace SyncServer.Pull;

/// <summary>The statements that pulls share. They look the same whatever is asked for, so that every pull can share them with every other.</summary>
internal static class SharedSql
{
    /// <summary>The column of the pull that a row is for: its place among those that were asked.</summary>
    public const int PlaceAt = 0;

    /// <summary>The column of what <see cref="SharedReach"/> reads, in the first row of a pull and in no other.</summary>
    public const int ReachAt = 1;

    /// <summary>The column of a change's seq.</summary>
    public const int SeqAt = 2;

    /// <summary>The first column of a change; all are null in the first row of a pull.</summary>
    public const int ChangeAt = 3;

    /// <summary>The columns of a change that tell whether its data was left out for its size.</summary>
    public const int DeletedAt = ChangeAt + 3, DataAt = ChangeAt + 7;

    /// <summary>The column of a tag.</summary>
    public const int TagAt = 1;

    /// <summary>
    /// Pages of many pulls. $1 to $7 are their spaces, principals, positions, floors of tombstones, changes, filters (names between
    /// commas, or null for none) and places, $8 the bytes of data that a row carries at most: a larger one comes without.
    /// </summary>
    // The space is a subquery of its own, so that it is looked up once. Where there is nothing to tell, or nobody to tell it to, no
    // record is looked at. Nothing is added up or counted: a look at the rows before they are read costs a fifth of a page, and a
    // window function copies each of them. Positions have an end so that a scan has one, though it finds nothing. Index and
    // order of the rows are as in PullSql. Arrays are taken apart in the select list, since FROM would keep a copy of them.
    public static readonly string Pages = $"""
        SELECT place, line.*
        FROM (
            SELECT unnest($1) AS space_id, unnest($2) AS principal, unnest($3) AS since, unnest($4) AS floor, unnest($5) AS changes,
                string_to_array(unnest($6), ',') AS entities, unnest($7) AS place) AS k
        CROSS JOIN LATERAL (
            SELECT head, tombstone_horizon, (SELECT role FROM members WHERE space_id = k.space_id AND principal = k.principal) AS role,
                ({Tag("k.since")}) AS tag
            FROM spaces WHERE space_id = k.space_id OFFSET 0) AS space
        CROSS JOIN LATERAL (
            SELECT ARRAY[head, tombstone_horizon, role, tag, CASE WHEN head = k.since THEN tag ELSE ({Tag("head")}) END],
                NULL::bigint, NULL, NULL, NULL::bigint, NULL::boolean, NULL::timestamptz, NULL, NULL, NULL::json
            UNION ALL (
                SELECT NULL, seq, {ChangesJson.Envelope}, CASE WHEN NOT deleted AND data_bytes <= $8 THEN data END
                FROM records
                WHERE space_id = k.space_id AND seq > k.since AND seq <= k.since + {SharedPages.Positions}
                    AND (k.entities IS NULL OR entity = ANY (k.entities)) AND NOT (deleted AND seq <= k.floor)
                    AND head > k.since AND role IS NOT NULL
                ORDER BY seq LIMIT k.changes)) AS line
        """;

    /// <summary>The tags of changes: $1 to $3 are their spaces, their seqs and the places of their pulls.</summary>
    public static readonly string Tags = $"""
        SELECT place, ({Tag("k.since")})
        FROM (SELECT unnest($1) AS space_id, unnest($2) AS since, unnest($3) AS place) AS k
        """;

    private static string Tag(string position) => PullSql.Tag("k.space_id", position);
}

/// <summary>Where a space stands, as the first row of a pull says.</summary>
internal readonly struct SharedReach(long?[] numbers)
{
    public long Head => numbers[0]!.Value;

    public long Horizon => numbers[1]!.Value;

    public Role? Role => (Role?)numbers[2];

    public long? TagAtPosition => numbers[3];

    public long TagAtHead => numbers[4] ?? 0;
}
