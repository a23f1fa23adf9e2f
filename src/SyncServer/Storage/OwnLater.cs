using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Storage;

/// <summary>
/// What a device did to a record after an op that comes late and does not say what its user saw. Only the last
/// <see cref="Limits.LateChanges"/> revisions are looked at; behind them, the order of arrival counts.
/// </summary>
internal static class OwnLater
{
    private static readonly string Asked = $"""
        {Arrays.Rows("space_id, principal, entity, record_id, device, n")}
        CROSS JOIN LATERAL (
            SELECT r.rev FROM records r
            WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id AND {SpaceLoad.IsMember} LIMIT 1) AS r
        """;

    // Cut at its old end, spaces with little before those with much, so that much of one is not the others' loss. The first
    // row that is cut stands for the rest of its space and has no values.
    internal static readonly string Changes = $"""
        SELECT c.seq, c.entity, c.record_id, c.rev, c.kind, c.op_id, c.principal, c.device, c.n, c.at, c.tag,
            CASE WHEN c.fits THEN c.patch END, CASE WHEN c.fits THEN c.sent END, CASE WHEN c.fits THEN c.before END, c.space_id, c.fits
        FROM (
            SELECT s.*, {Sums("s.seq DESC")}
            FROM (
                SELECT l.*, l.bytes::bigint AS size, sum(l.bytes::bigint) OVER (PARTITION BY l.space_id) AS space_bytes,
                    row_number() OVER (PARTITION BY l.space_id ORDER BY l.seq DESC) AS place
                FROM {Asked}
                CROSS JOIN LATERAL (
                    SELECT * FROM {RecordChanges.Of("k", rev => $"{rev} > r.rev - {Limits.LateChanges}")} AS change
                    WHERE principal = k.principal AND device = k.device AND n > k.n) AS l) AS s) AS c
        WHERE c.fits OR c.is_first_cut
        ORDER BY c.seq
        """;

    private static readonly string Unchanged = $"""
        SELECT o.entity, o.record_id, o.rev, o.op_id, o.device, o.n, o.at, CASE WHEN o.fits THEN o.sent END, o.space_id, o.principal, o.fits
        FROM (
            SELECT s.*, {Sums("s.rev DESC, s.n DESC, s.op_id DESC")}
            FROM (
                SELECT l.*, sum(l.size) OVER (PARTITION BY l.space_id) AS space_bytes,
                    row_number() OVER (PARTITION BY l.space_id ORDER BY l.rev DESC, l.n DESC, l.op_id DESC) AS place
                FROM {Asked}
                CROSS JOIN LATERAL (
                    SELECT *, coalesce(bytes, octet_length(sent::text))::bigint AS size FROM unchanged_ops
                    WHERE space_id = k.space_id AND entity = k.entity AND record_id = k.record_id AND rev > r.rev - {Limits.LateChanges}
                        AND principal = k.principal AND device = k.device AND n > k.n
                    ORDER BY rev DESC LIMIT {Limits.MergeChanges}) AS l) AS s) AS o
        WHERE o.fits OR o.is_first_cut
        """;

    private static string Sums(string newest) => $"""
        sum(s.size) OVER w <= {Limits.MergeBytes} AS fits,
        sum(s.size) OVER w > {Limits.MergeBytes} AND (s.place = 1 OR sum(s.size) OVER w - s.size <= {Limits.MergeBytes}) AS is_first_cut
        """.Replace(" w ", $" (ORDER BY s.space_bytes, s.space_id, {newest} ROWS UNBOUNDED PRECEDING) ", StringComparison.Ordinal);

    /// <summary>The lowest counter by record of the ops that may come late; none of ops with a base, a counter missing or no device.</summary>
    public static IReadOnlyDictionary<RecordKey, long> Of(string device, IEnumerable<Op> ops) => device.Length == 0
        ? new Dictionary<RecordKey, long>()
        : ops.Where(op => op is { IsStrict: false, Kind: OpKind.Update, BaseRev: null, N: not null })
            .GroupBy(op => op.Key).ToDictionary(group => group.Key, group => group.Min(op => op.N!.Value));

    /// <summary>Adds the two statements.</summary>
    public static void AddTo(NpgsqlBatch batch, Asked asked)
    {
        batch.BatchCommands.Add(asked.Late(Changes));
        batch.BatchCommands.Add(asked.Late(Unchanged));
    }

    /// <summary>Reads the results of <see cref="AddTo"/>, which come next.</summary>
    public static async Task ReadAsync(LoadedSpaces loaded, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            Take(loaded.PlanOf(reader.GetGuid(14)), reader.GetBoolean(15) ? SpaceRows.Change(reader, 0) : null);
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            Take(loaded.PlanOf(reader.GetGuid(8)), reader.GetBoolean(10) ? SpaceRows.Unchanged(reader, reader.GetString(9)) : null);
        }
    }

    private static void Take(SpacePlan? plan, Change? own)
    {
        if (own is not null)
        {
            plan?.LoadOwnLater(own);
        }
        else
        {
            // Cut for all together: whose part it was shows when each asks alone.
            plan?.CutHistory();
        }
    }
}
