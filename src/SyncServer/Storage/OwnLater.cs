using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Ops;

namespace SyncServer.Storage;

/// <summary>
/// What a device did to a record after an op that comes late and does not say what its user saw. Only the last
/// <see cref="Limits.LateChanges"/> revisions are looked at; behind them, the order of arrival counts.
/// </summary>
internal static class OwnLater
{
    private const string Asked = $"""
        unnest($1, $2, $3, $4, $5, $6) AS k(space_id, principal, entity, record_id, device, n)
        CROSS JOIN LATERAL (
            SELECT r.rev FROM records r
            WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id AND {SpaceLoad.IsMember} LIMIT 1) AS r
        """;

    private static readonly string Changes = $"""
        SELECT {SpaceRows.ChangeColumns}, c.space_id, c.all_bytes > {Limits.MergeBytes}
        FROM (
            SELECT l.*, sum(l.bytes::bigint) OVER (ORDER BY l.space_id, l.seq DESC ROWS UNBOUNDED PRECEDING) AS total_bytes,
                sum(l.bytes::bigint) OVER () AS all_bytes
            FROM {Asked}
            CROSS JOIN LATERAL (
                SELECT * FROM changes
                WHERE space_id = k.space_id AND entity = k.entity AND record_id = k.record_id AND rev > r.rev - {Limits.LateChanges}
                    AND principal = k.principal AND device = k.device AND n > k.n) AS l) AS c
        WHERE c.total_bytes <= {Limits.MergeBytes}
        ORDER BY c.seq
        """;

    private static readonly string Unchanged = $"""
        SELECT o.entity, o.record_id, o.rev, o.op_id, o.device, o.n, o.at, o.sent, o.space_id, o.principal, o.all_bytes > {Limits.MergeBytes}
        FROM (
            SELECT l.*, sum(coalesce(l.bytes, 0)::bigint) OVER (ORDER BY l.space_id, l.rev DESC, l.n DESC ROWS UNBOUNDED PRECEDING) AS total_bytes,
                sum(coalesce(l.bytes, 0)::bigint) OVER () AS all_bytes
            FROM {Asked}
            CROSS JOIN LATERAL (
                SELECT * FROM unchanged_ops
                WHERE space_id = k.space_id AND entity = k.entity AND record_id = k.record_id AND rev > r.rev - {Limits.LateChanges}
                    AND principal = k.principal AND device = k.device AND n > k.n
                ORDER BY rev DESC LIMIT {Limits.MergeChanges}) AS l) AS o
        WHERE o.total_bytes <= {Limits.MergeBytes}
        """;

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
    public static async Task ReadAsync(LoadedSpaces loaded, Asked asked, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        var isCut = false;
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            isCut |= reader.GetBoolean(15);
            loaded.PlanOf(reader.GetGuid(14))?.LoadOwnLater(SpaceRows.Change(reader, 0));
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            isCut |= reader.GetBoolean(10);
            loaded.PlanOf(reader.GetGuid(8))?.LoadOwnLater(SpaceRows.Unchanged(reader, reader.GetString(9)));
        }

        foreach (var spec in asked.Specs)
        {
            // Cut for all together: whose part it was shows when each asks alone.
            if (isCut && spec.Late.Count > 0)
            {
                loaded.PlanOf(spec.SpaceId)?.CutHistory();
            }
        }
    }
}
