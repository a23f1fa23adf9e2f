using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;

namespace SyncServer.Storage;

/// <summary>
/// What a device did to a record after an op that comes late and does not say what its user saw. Only the last
/// <see cref="Limits.LateChanges"/> revisions are looked at; behind them, the order of arrival counts.
/// </summary>
internal static class OwnLater
{
    private static readonly string Changes = $"""
        SELECT {SpaceRows.ChangeColumns}
        FROM (
            SELECT l.*, sum(l.bytes::bigint) OVER (ORDER BY l.seq DESC ROWS UNBOUNDED PRECEDING) AS total_bytes
            FROM unnest($4, $5, $6) AS k(entity, record_id, n)
            JOIN records r ON r.space_id = $1 AND r.entity = k.entity AND r.record_id = k.record_id
            CROSS JOIN LATERAL (
                SELECT * FROM changes
                WHERE space_id = $1 AND entity = k.entity AND record_id = k.record_id AND rev > r.rev - {Limits.LateChanges}
                    AND principal = $2 AND device = $3 AND n > k.n) AS l) AS c
        WHERE c.total_bytes <= {Limits.MergeBytes}
        ORDER BY c.seq
        """;

    private static readonly string Unchanged = $"""
        SELECT o.entity, o.record_id, o.rev, o.op_id, o.device, o.n, o.at, o.sent
        FROM (
            SELECT l.*, sum(coalesce(l.bytes, 0)::bigint) OVER (ORDER BY l.rev DESC, l.n DESC ROWS UNBOUNDED PRECEDING) AS total_bytes
            FROM unnest($4, $5, $6) AS k(entity, record_id, n)
            JOIN records r ON r.space_id = $1 AND r.entity = k.entity AND r.record_id = k.record_id
            CROSS JOIN LATERAL (
                SELECT * FROM unchanged_ops
                WHERE space_id = $1 AND entity = k.entity AND record_id = k.record_id AND rev > r.rev - {Limits.LateChanges}
                    AND principal = $2 AND device = $3 AND n > k.n
                ORDER BY rev DESC LIMIT {Limits.MergeChanges}) AS l) AS o
        WHERE o.total_bytes <= {Limits.MergeBytes}
        """;

    /// <summary>The lowest counter by record of the ops that may come late; none of ops with a base, a counter missing or no device.</summary>
    public static IReadOnlyDictionary<RecordKey, long> Of(string device, IEnumerable<Op> ops) => device.Length == 0
        ? new Dictionary<RecordKey, long>()
        : ops.Where(op => op is { IsStrict: false, Kind: OpKind.Update, BaseRev: null, N: not null })
            .GroupBy(op => op.Key).ToDictionary(group => group.Key, group => group.Min(op => op.N!.Value));

    /// <summary>Adds the statements; nothing where no op may come late.</summary>
    public static void AddTo(NpgsqlBatch batch, LoadSpec spec)
    {
        foreach (var sql in spec.Late.Count == 0 ? [] : new[] { Changes, Unchanged })
        {
            var command = new NpgsqlBatchCommand(sql);
            object[] values =
            [
                spec.SpaceId, spec.Principal, spec.Device, spec.Late.Keys.Select(key => key.Entity).ToArray(),
                spec.Late.Keys.Select(key => key.Id).ToArray(), spec.Late.Values.ToArray(),
            ];
            foreach (var value in values)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = value });
            }

            batch.BatchCommands.Add(command);
        }
    }

    /// <summary>Reads the results of <see cref="AddTo"/>, which come next.</summary>
    public static async Task ReadAsync(SpacePlan plan, LoadSpec spec, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        if (spec.Late.Count == 0)
        {
            return;
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            plan.LoadOwnLater(SpaceRows.Change(reader, 0));
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            plan.LoadOwnLater(SpaceRows.Unchanged(reader, spec.Principal));
        }
    }
}
