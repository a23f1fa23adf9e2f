namespace SyncServer.Pull;

/// <summary>The statement that pulls share. It looks the same whatever is asked for, so that every pull can share it with every other.</summary>
internal static class SharedSql
{
    /// <summary>The column of the pull that a row is for: its place among those that were asked. A space that is not there has no row.</summary>
    public const int PlaceAt = 0;

    /// <summary>The column of a <see cref="PullReach"/>.</summary>
    public const int ReachAt = 1;

    /// <summary>The first column of the <see cref="ChangeArrays"/>.</summary>
    public const int ChangesAt = 2;

    /// <summary>
    /// Pages of many pulls. $1 to $7 are their spaces, principals, positions, floors of tombstones, changes, filters (names between
    /// commas, or null for none) and places, $8 the bytes of data that a change carries at most: a larger one comes without.
    /// </summary>
    // The space is a subquery of its own, so that it is looked up once. Where there is nothing to tell, or nobody to tell it to, no
    // record is looked at, and no array begun: OFFSET 0 has that asked first. No bytes are added up: a look at the rows before they are read costs a fifth of a page, and a
    // window function copies each of them. One more than goes on the page tells whether there is more. Positions have an end so that a
    // scan has one, though it finds nothing. Index and order of the rows are as in PullSql. What is asked is taken apart in the select
    // list, since FROM would keep a copy of it.
    public static readonly string Pages = $"""
        SELECT place, {PullSql.Reach("k.space_id", "k.since")}, {ChangeArrays.Names}
        FROM (
            SELECT unnest($1) AS space_id, unnest($2) AS principal, unnest($3) AS since, unnest($4) AS floor, unnest($5) AS changes,
                string_to_array(unnest($6), ',') AS names, unnest($7) AS place) AS k
        CROSS JOIN LATERAL (
            SELECT head, tombstone_horizon, (SELECT role FROM members WHERE space_id = k.space_id AND principal = k.principal) AS role,
                ({PullSql.Tag("k.space_id", "k.since")}) AS tag
            FROM spaces WHERE space_id = k.space_id OFFSET 0) AS space
        LEFT JOIN LATERAL (
            SELECT * FROM (
                SELECT array_agg(seq) AS seqs, count(*) AS found, least(count(*), k.changes)::int AS length, {ChangeArrays.Aggregates}
                FROM (
                    SELECT seq, {ChangeArrays.Columns}, CASE WHEN NOT deleted AND data_bytes <= $8 THEN data END AS data
                    FROM records
                    WHERE space_id = k.space_id AND seq > k.since AND seq <= k.since + {SharedPages.Positions}
                        AND (k.names IS NULL OR entity = ANY (k.names)) AND NOT (deleted AND seq <= k.floor)
                    ORDER BY seq LIMIT k.changes + 1) AS change) AS arrays
            WHERE head > k.since AND role IS NOT NULL OFFSET 0) AS page ON true
        """;
}
