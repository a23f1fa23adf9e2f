using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Storage;

namespace SyncServer.Records;

/// <summary>Which changes of a record a page is to hold.</summary>
internal sealed record HistoryAsk(Guid SpaceId, string Principal, RecordKey Key)
{
    /// <summary>Where the page begins.</summary>
    public required HistoryPlace Before { get; init; }

    /// <summary>Entries on the page.</summary>
    public required int Limit { get; init; }

    /// <summary>Bytes of the page, which a single entry may exceed.</summary>
    public required int BytesMax { get; init; }
}

/// <summary>
/// Reads the changes of one record, newest first, in one statement, and before each change the accepted ops that changed
/// nothing and met its revision.
/// </summary>
internal sealed class HistoryQuery(NpgsqlDataSource source)
{
    // What an item takes beside its values at most: names, numbers, and a principal and a device of full length.
    private const int ItemBytes = 1024;

    // A patch stands on the page twice, as the log has it and field by field, so twice its bytes bounds a change. The page is
    // cut by the sizes that the log has, so that values beyond the cut are never read.
    private const string Newest = "ORDER BY rev DESC, seq > 0, at DESC, op_id DESC, principal DESC";

    internal static readonly string Sql = $"""
        SELECT m.role, r.record_id IS NOT NULL, c.candidates, {SpaceRows.ChangeColumns}, c.merge
        FROM members m
        LEFT JOIN records r ON r.space_id = $1 AND r.entity = $3 AND r.record_id = $4
        LEFT JOIN LATERAL (
            SELECT * FROM (
                SELECT *, count(*) OVER () AS candidates, row_number() OVER ({Newest}) AS place,
                    sum(2 * bytes::bigint + {ItemBytes}) OVER ({Newest} ROWS UNBOUNDED PRECEDING) AS page_bytes
                FROM (SELECT * FROM (
                    (SELECT seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, patch, sent, before, NULL::json AS merge, bytes
                    FROM {RecordChanges.Of("r", rev => $"{rev} < $5")} AS change
                    ORDER BY rev DESC LIMIT $6 + 1)
                    UNION ALL
                    (SELECT 0, entity, record_id, rev, {(int)OpKind.Update}, op_id, principal, device, n, at, 0, NULL, sent, NULL, merge, coalesce(bytes, octet_length(sent::text))
                    FROM unchanged_ops
                    WHERE space_id = $1 AND entity = $3 AND record_id = $4 AND (rev, at, op_id, principal) < ($8, $9, $10, $11)
                    ORDER BY rev DESC, at DESC, op_id DESC, principal DESC LIMIT $6 + 1)) AS entry
                    {Newest} LIMIT $6 + 1) AS candidate) AS measured
            WHERE place <= $6 AND (place = 1 OR page_bytes <= $7)) AS c ON true
        WHERE m.space_id = $1 AND m.principal = $2
        ORDER BY c.place
        """;

    /// <summary>The page; what was purged simply is not there.</summary>
    public async Task<MemberPage<Change>> ReadAsync(HistoryAsk ask, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        var before = ask.Before;
        foreach (var value in (object[])
        [
            ask.SpaceId, ask.Principal, ask.Key.Entity, ask.Key.Id, before.ChangesBelow, ask.Limit, ask.BytesMax,
            before.Rev, before.At, before.OpId, before.Principal,
        ])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return await MemberPage<Change>.ReadAsync(command, SpaceRows.HistoryEntry, cancellation);
    }
}
