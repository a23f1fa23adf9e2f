using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Json;
using SyncServer.Core.Push;

namespace SyncServer.Storage;

/// <summary>Writes a plan in one round trip: a constant number of statements, whatever the number of rows.</summary>
internal static class SpaceWrite
{
    private const string Head = "UPDATE spaces SET head = $2 WHERE space_id = $1";

    private const string Records = """
        INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id)
        SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (space_id, entity, record_id) DO UPDATE SET
            rev = excluded.rev, seq = excluded.seq, deleted = excluded.deleted, data = excluded.data,
            data_bytes = excluded.data_bytes, updated_at = excluded.updated_at, updated_by = excluded.updated_by, op_id = excluded.op_id
        """;

    private const string Changes = """
        INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, patch, sent, before, bytes)
        SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """;

    private const string Outcomes = """
        INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, rev, conflict_id, etag, location, body, entity, decided_at)
        SELECT $1, u.*, $13 FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS u
        """;

    private const string Conflicts = """
        INSERT INTO conflicts (space_id, conflict_id, entity, record_id, principal, device, state, opened_at, resolved_at)
        SELECT $1, u.conflict_id, u.entity, u.record_id, u.principal, u.device, u.state, $8, CASE WHEN u.state = 2 THEN $8 END
        FROM unnest($2, $3, $4, $5, $6, $7) AS u(conflict_id, entity, record_id, principal, device, state)
        ON CONFLICT (space_id, conflict_id) DO UPDATE SET state = excluded.state, resolved_at = excluded.resolved_at
        """;

    private const string Resolved = """
        UPDATE outcomes o SET state = 5, choice = u.choice
        FROM unnest($2, $3, $4) AS u(principal, op_id, choice)
        WHERE o.space_id = $1 AND o.principal = u.principal AND o.op_id = u.op_id
        """;

    private const string Unchanged = """
        INSERT INTO unchanged_ops (space_id, entity, record_id, rev, principal, op_id, device, n, at, sent, merge, bytes)
        SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        """;

    private const string FreedKeys = """
        DELETE FROM unique_keys u USING unnest($2, $3, $4, $5) AS k(entity, rule, hash, record_id)
        WHERE u.space_id = $1 AND u.entity = k.entity AND u.rule = k.rule AND u.hash = k.hash AND u.record_id = k.record_id
        """;

    private const string TakenKeys = """
        INSERT INTO unique_keys (space_id, entity, rule, hash, duplicate, record_id)
        SELECT $1, k.entity, k.rule, k.hash, 0, k.record_id FROM unnest($2, $3, $4, $5) AS k(entity, rule, hash, record_id)
        """;

    private const string Totals = """
        INSERT INTO totals AS t (space_id, entity, live, sum, applied, merged, parked, refused, replayed, reused, opened, resolved)
        SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (space_id, entity) DO UPDATE SET
            live = t.live + excluded.live, sum = mod(t.sum + excluded.sum, 18446744073709551616),
            applied = t.applied + excluded.applied, merged = t.merged + excluded.merged,
            parked = t.parked + excluded.parked, refused = t.refused + excluded.refused, replayed = t.replayed + excluded.replayed,
            reused = t.reused + excluded.reused, opened = t.opened + excluded.opened, resolved = t.resolved + excluded.resolved
        """;

    /// <summary>Sends everything that the plan holds, which may be nothing; the transaction is the caller's.</summary>
    public static async Task WriteAsync(NpgsqlConnection connection, SpacePlan plan)
    {
        if (!plan.HasWrites)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection);
        if (plan.Head != plan.LoadedHead)
        {
            batch.BatchCommands.Add(Command(Head, plan.SpaceId, plan.Head));
            batch.BatchCommands.Add(RecordRows(plan));
            batch.BatchCommands.Add(ChangeRows(plan));
        }

        var outcomes = plan.DecidedOutcomes.ToList();
        if (outcomes.Count > 0)
        {
            batch.BatchCommands.Add(OutcomeRows(plan, outcomes));
        }

        if (plan.ConflictRows.Count > 0)
        {
            batch.BatchCommands.Add(ConflictRows(plan));
        }

        if (plan.ResolvedOps.Count > 0)
        {
            batch.BatchCommands.Add(Command(Resolved, plan.SpaceId,
                plan.ResolvedOps.Select(op => op.Key.Principal).ToArray(),
                plan.ResolvedOps.Select(op => op.Key.OpId).ToArray(),
                plan.ResolvedOps.Select(op => (short)op.Choice).ToArray()));
        }

        if (plan.UnchangedOps.Count > 0)
        {
            batch.BatchCommands.Add(UnchangedRows(plan));
        }

        if (plan.FreedKeys.Count + plan.TakenKeys.Count > 0)
        {
            AddKeys(batch, plan);
        }

        if (plan.Tallies.Any)
        {
            batch.BatchCommands.Add(TotalRows(plan));
        }

        await batch.ExecuteNonQueryAsync();
    }

    private static NpgsqlBatchCommand RecordRows(SpacePlan plan)
    {
        var rows = plan.WrittenRecords.ToList();
        return Command(Records, plan.SpaceId,
            rows.Select(row => row.Key.Entity).ToArray(),
            rows.Select(row => row.Key.Id).ToArray(),
            rows.Select(row => row.Rev).ToArray(),
            rows.Select(row => row.Seq).ToArray(),
            rows.Select(row => row.Deleted).ToArray(),
            Json(rows.Select(row => row.Data?.Utf8)),
            rows.Select(row => row.Data?.Utf8.Length ?? 0).ToArray(),
            rows.Select(row => row.UpdatedAt).ToArray(),
            rows.Select(row => row.UpdatedBy).ToArray(),
            rows.Select(row => row.OpId).ToArray());
    }

    private static NpgsqlBatchCommand ChangeRows(SpacePlan plan)
    {
        var rows = plan.Changes;
        var patches = rows.ConvertAll(row => row.Patch?.ToUtf8());
        var sent = rows.ConvertAll(row => row.Sent?.ToUtf8());
        var before = rows.ConvertAll(row => row.Before?.ToUtf8());
        return Command(Changes, plan.SpaceId,
            rows.Select(row => row.Seq).ToArray(),
            rows.Select(row => row.Key.Entity).ToArray(),
            rows.Select(row => row.Key.Id).ToArray(),
            rows.Select(row => row.Rev).ToArray(),
            rows.Select(row => (short)row.Kind).ToArray(),
            rows.Select(row => row.OpId).ToArray(),
            rows.Select(row => row.Principal).ToArray(),
            rows.Select(row => row.Device).ToArray(),
            rows.Select(row => row.N).ToArray(),
            rows.Select(row => row.At).ToArray(),
            rows.Select(row => row.Tag).ToArray(),
            Json(patches),
            Json(sent),
            Json(before),
            rows.Select((_, at) => (patches[at]?.Length ?? 0) + (sent[at]?.Length ?? 0) + (before[at]?.Length ?? 0)).ToArray());
    }

    private static NpgsqlBatchCommand OutcomeRows(
        SpacePlan plan, List<KeyValuePair<OutcomeKey, StoredOutcome>> rows) => Command(Outcomes, plan.SpaceId,
            rows.Select(row => row.Key.Principal).ToArray(),
            rows.Select(row => row.Key.OpId).ToArray(),
            rows.Select(row => row.Value.Fingerprint.ToArray()).ToArray(),
            rows.Select(row => (short)row.Value.Outcome.State).ToArray(),
            rows.Select(row => (short)row.Value.Outcome.Status).ToArray(),
            rows.Select(row => row.Value.Outcome.Rev).ToArray(),
            rows.Select(row => row.Value.Outcome.ConflictId).ToArray(),
            rows.Select(row => row.Value.Outcome.ETag).ToArray(),
            rows.Select(row => row.Value.Outcome.Location).ToArray(),
            rows.Select(row => row.Value.Outcome.Body.ToArray()).ToArray(),
            rows.Select(row => row.Value.Entity).ToArray(),
            plan.Now);

    private static NpgsqlBatchCommand ConflictRows(SpacePlan plan)
    {
        var rows = plan.ConflictRows;
        return Command(Conflicts, plan.SpaceId,
            rows.Select(row => row.ConflictId).ToArray(),
            rows.Select(row => row.Slot.Key.Entity).ToArray(),
            rows.Select(row => row.Slot.Key.Id).ToArray(),
            rows.Select(row => row.Slot.Principal).ToArray(),
            rows.Select(row => row.Slot.Device).ToArray(),
            rows.Select(row => (short)(row.Open ? 1 : 2)).ToArray(),
            plan.Now);
    }

    private static NpgsqlBatchCommand UnchangedRows(SpacePlan plan)
    {
        var rows = plan.UnchangedOps;
        var (sent, merge) = (rows.ConvertAll(row => row.Sent?.ToUtf8()), rows.ConvertAll(row => row.Merge?.ToUtf8()));
        return Command(Unchanged, plan.SpaceId,
            rows.Select(row => row.Key.Entity).ToArray(),
            rows.Select(row => row.Key.Id).ToArray(),
            rows.Select(row => row.Rev).ToArray(),
            rows.Select(row => row.Principal).ToArray(),
            rows.Select(row => row.OpId).ToArray(),
            rows.Select(row => row.Device).ToArray(),
            rows.Select(row => row.N).ToArray(),
            rows.Select(row => row.At).ToArray(),
            Json(sent),
            Json(merge),
            rows.Select((_, at) => (sent[at]?.Length ?? 0) + (merge[at]?.Length ?? 0)).ToArray());
    }

    /// <summary>Every key is freed before any is taken, so that keys change hands within one plan.</summary>
    private static void AddKeys(NpgsqlBatch batch, SpacePlan plan)
    {
        batch.BatchCommands.Add(Keys(FreedKeys, plan.SpaceId, [.. plan.FreedKeys]));
        batch.BatchCommands.Add(Keys(TakenKeys, plan.SpaceId, [.. plan.TakenKeys.Select(taken => (taken.Key, taken.Value))]));
    }

    private static NpgsqlBatchCommand Keys(string sql, Guid space, IReadOnlyList<(UniqueKey Key, string RecordId)> rows) => Command(sql, space,
        rows.Select(row => row.Key.Entity).ToArray(),
        rows.Select(row => row.Key.Rule).ToArray(),
        rows.Select(row => row.Key.Hash).ToArray(),
        rows.Select(row => row.RecordId).ToArray());

    private static NpgsqlBatchCommand TotalRows(SpacePlan plan)
    {
        var rows = plan.Tallies.ByEntity;
        long[] Column(Func<Tally, int> figure) => [.. rows.Values.Select(row => (long)figure(row))];
        return Command(Totals, plan.SpaceId,
            rows.Keys.ToArray(),
            Column(row => row.Live),
            rows.Values.Select(row => (decimal)row.Sum).ToArray(),
            Column(row => row.Applied),
            Column(row => row.Merged),
            Column(row => row.Parked),
            Column(row => row.Refused),
            Column(row => row.Replayed),
            Column(row => row.Reused),
            Column(row => row.Opened),
            Column(row => row.Resolved));
    }

    private static NpgsqlParameter Json(IEnumerable<ReadOnlyMemory<byte>?> documents) => new()
    {
        Value = documents.Select(document => document?.ToArray()).ToArray(),
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Json,
    };

    private static NpgsqlBatchCommand Command(string sql, params IEnumerable<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
