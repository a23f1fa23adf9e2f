using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Storage;

/// <summary>Writes plans in one round trip: a constant number of statements, whatever the number of spaces and rows.</summary>
internal static class SpaceWrite
{
    // A plan lands on the row that it was made on, or nowhere. Under the lock that is so in any case; where it was assumed, a row that
    // somebody has written since is not found, and the division by zero ends the transaction before anything else of it is carried out.
    // So is one whose unique keys are of other definitions by now, which no other column tells. $6 is the number of rows, $7 whether all of
    // them are locked, $8 the mark of the definitions.
    private static readonly string Counters = $"""
        WITH written AS (
            UPDATE spaces s SET head = k.head, figures = k.figures
            FROM {Arrays.Rows("space_id, head, figures, head_before, figures_before")}
            WHERE s.space_id = k.space_id AND s.head = k.head_before AND s.figures::text = k.figures_before
                AND ($7 OR s.unique_rules IS NOT DISTINCT FROM $8)
            RETURNING s.space_id)
        SELECT 1 / (count(*) = $6)::int FROM written
        """;

    // What somebody else holds for longer is left to who locks it. No more than a moment, because everybody in the transaction waits.
    private static readonly string Patience = "SELECT set_config('lock_timeout', '100', true)";

    private static readonly string NewRecords = Arrays.InsertInto(
        "records", "space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id");

    private static readonly string Records = $"""
        UPDATE records r SET
            rev = k.rev, seq = k.seq, deleted = k.deleted, data = k.data,
            data_bytes = k.data_bytes, updated_at = k.updated_at, updated_by = k.updated_by, op_id = k.op_id
        FROM {Arrays.Rows("space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id")}
        WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id
        """;

    private static readonly string Changes = Arrays.InsertInto(
        "changes", "space_id, seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, patch, sent, before, bytes, first_seq");

    private static readonly string Outcomes = Arrays.InsertInto(
        "outcomes", "space_id, principal, op_id, fingerprint, state, status, rev, conflict_id, etag, location, body, entity, decided_at");

    private static readonly string Conflicts = $"""
        INSERT INTO conflicts (space_id, conflict_id, entity, record_id, principal, device, state, opened_at, resolved_at)
        SELECT k.space_id, k.conflict_id, k.entity, k.record_id, k.principal, k.device, k.state, k.at, CASE WHEN k.state = 2 THEN k.at END
        FROM {Arrays.Rows("space_id, conflict_id, entity, record_id, principal, device, state, at")}
        ON CONFLICT (space_id, conflict_id) DO UPDATE SET state = excluded.state, resolved_at = excluded.resolved_at
        """;

    private static readonly string Resolved = $"""
        UPDATE outcomes o SET state = 5, choice = k.choice
        FROM {Arrays.Rows("space_id, principal, op_id, choice")}
        WHERE o.space_id = k.space_id AND o.principal = k.principal AND o.op_id = k.op_id
        """;

    private static readonly string Unchanged = Arrays.InsertInto(
        "unchanged_ops", "space_id, entity, record_id, rev, principal, op_id, device, n, at, sent, merge, bytes");

    private static readonly string FreedKeys = $"""
        DELETE FROM unique_keys u USING {Arrays.Rows("space_id, entity, rule, hash, record_id")}
        WHERE u.space_id = k.space_id AND u.entity = k.entity AND u.rule = k.rule AND u.hash = k.hash AND u.record_id = k.record_id
        """;

    private static readonly string TakenKeys = $"""
        INSERT INTO unique_keys (space_id, entity, rule, hash, duplicate, record_id)
        SELECT k.space_id, k.entity, k.rule, k.hash, 0, k.record_id FROM {Arrays.Rows("space_id, entity, rule, hash, record_id")}
        """;

    /// <summary>Sends everything that the plan holds, which may be nothing; the transaction is the caller's.</summary>
    public static Task WriteAsync(NpgsqlConnection connection, SpacePlan plan) => SendAsync(connection, [plan], mark: null, commits: false);

    /// <summary>
    /// Sends everything that the plans hold and COMMIT with it: one round trip less to be waited for while the spaces are
    /// locked. A statement that fails leaves the transaction to be rolled back; nothing behind it is carried out.
    /// </summary>
    /// <param name="connection">Of the transaction.</param>
    /// <param name="plans">All of them locked, or some of them assumed.</param>
    /// <param name="mark">The mark of the definitions that assumed ones were made with; null where all are locked.</param>
    /// <returns>The plans of which there was something to write, in their order, with the figures that their spaces have now.</returns>
    public static Task<List<(SpacePlan Plan, Figures Figures)>> CommitAsync(
        NpgsqlConnection connection, IReadOnlyList<SpacePlan> plans, NpgsqlParameter? mark = null) => SendAsync(connection, plans, mark, commits: true);

    private static async Task<List<(SpacePlan Plan, Figures Figures)>> SendAsync(
        NpgsqlConnection connection, IReadOnlyList<SpacePlan> plans, NpgsqlParameter? mark, bool commits)
    {
        var counted = plans.Where(static plan => plan.HasWrites).Select(static plan => (Plan: plan, Figures: plan.Counted.After())).ToList();
        await using var batch = new NpgsqlBatch(connection);
        if (mark is not null)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Patience));
        }

        // In the order of ids, so that two servers wait for each other's spaces in one direction only.
        Add(batch, [.. counted.OrderBy(static row => row.Plan.SpaceId)], rows => CounterRows(rows, mark));
        AddCommands(batch, plans);
        if (commits)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        }

        if (batch.BatchCommands.Count > 0)
        {
            // From here on nobody's patience counts: what was decided is stored, and a repeat finds it.
            await batch.ExecuteNonQueryAsync(CancellationToken.None);
        }

        return counted;
    }

    private static void AddCommands(NpgsqlBatch batch, IReadOnlyList<SpacePlan> plans)
    {
        var (made, others) = MadeRows.Of(plans);
        Add(batch, made, MadeRows.Command);
        AddRecords(batch, others);
        Add(batch, Rows(others, static plan => plan.Changes), ChangeRows);
        Add(batch, Rows(others, static plan => plan.DecidedOutcomes), OutcomeRows);
        Add(batch, Rows(plans, static plan => plan.ConflictRows), ConflictRows);
        Add(batch, Rows(plans, static plan => plan.ResolvedOps), ResolvedRows);
        Add(batch, Rows(plans, static plan => plan.UnchangedOps), UnchangedRows);
        // Every key is freed before any is taken, so that keys change hands within one plan.
        Add(batch, Rows(plans, static plan => plan.FreedKeys), FreedRows);
        Add(batch, Rows(plans, static plan => plan.TakenKeys), TakenRows);
    }

    private static void AddRecords(NpgsqlBatch batch, List<SpacePlan> plans)
    {
        var (made, changed) = (new List<(SpacePlan, SyncRecord)>(plans.Count), new List<(SpacePlan, SyncRecord)>());
        foreach (var plan in plans)
        {
            foreach (var record in plan.WrittenRecords)
            {
                // It is known which rows there are, or the keys of the table find out, and both statements are cheaper than one that finds out.
                (plan.IsNew(record) ? made : changed).Add((plan, record));
            }
        }

        Add(batch, made, static rows => RecordRows(NewRecords, rows));
        Add(batch, changed, static rows => RecordRows(Records, rows));
    }

    private static void Add<T>(NpgsqlBatch batch, List<(SpacePlan Plan, T Row)> rows, Func<List<(SpacePlan Plan, T Row)>, NpgsqlBatchCommand> command)
    {
        if (rows.Count > 0)
        {
            batch.BatchCommands.Add(command(rows));
        }
    }

    private static NpgsqlBatchCommand CounterRows(List<(SpacePlan Plan, Figures Row)> rows, NpgsqlParameter? mark) => new NpgsqlBatchCommand(Counters)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (plan, _) => plan.Head))
        .WithJson(Column(rows, static (_, figures) => (ReadOnlyMemory<byte>?)figures.Json))
        .With(Column(rows, static (plan, _) => plan.LoadedHead))
        .WithText(Column(rows, static (plan, _) => plan.Counted.Before.Json))
        .With((long)rows.Count)
        .With(mark is null)
        .With(mark ?? new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });

    private static NpgsqlBatchCommand RecordRows(string sql, List<(SpacePlan Plan, SyncRecord Row)> rows) => new NpgsqlBatchCommand(sql)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, row) => row.Key.Entity))
        .With(Column(rows, static (_, row) => row.Key.Id))
        .With(Column(rows, static (_, row) => row.Rev))
        .With(Column(rows, static (_, row) => row.Seq))
        .With(Column(rows, static (_, row) => row.Deleted))
        .WithJson(Column(rows, static (_, row) => row.Data?.Utf8))
        .With(Column(rows, static (_, row) => row.Data?.Utf8.Length ?? 0))
        .With(Column(rows, static (_, row) => row.UpdatedAt))
        .With(Column(rows, static (_, row) => row.UpdatedBy))
        .With(Column(rows, static (_, row) => row.OpId));

    private static NpgsqlBatchCommand ChangeRows(List<(SpacePlan Plan, Change Row)> rows)
    {
        var patches = Column(rows, static (_, row) => row.Patch?.ToUtf8());
        var sent = Column(rows, static (_, row) => row.Sent?.ToUtf8());
        var before = Column(rows, static (_, row) => row.Before?.ToUtf8());
        var bytes = new List<int>(rows.Count);
        for (var at = 0; at < rows.Count; at++)
        {
            bytes.Add((patches[at]?.Length ?? 0) + (sent[at]?.Length ?? 0) + (before[at]?.Length ?? 0));
        }

        return new NpgsqlBatchCommand(Changes)
            .With(Column(rows, static (plan, _) => plan.SpaceId))
            .With(Column(rows, static (_, row) => row.Seq))
            .With(Column(rows, static (_, row) => row.Key.Entity))
            .With(Column(rows, static (_, row) => row.Key.Id))
            .With(Column(rows, static (_, row) => row.Rev))
            .With(Column(rows, static (_, row) => (short)row.Kind))
            .With(Column(rows, static (_, row) => row.OpId))
            .With(Column(rows, static (_, row) => row.Principal))
            .With(Column(rows, static (_, row) => row.Device))
            .With(Column(rows, static (_, row) => row.N))
            .With(Column(rows, static (_, row) => row.At))
            .With(Column(rows, static (_, row) => row.Tag))
            .WithJson(patches).WithJson(sent).WithJson(before).With(bytes)
            .With(Column(rows, static (_, row) => row.FirstSeq));
    }

    private static NpgsqlBatchCommand OutcomeRows(List<(SpacePlan Plan, KeyValuePair<OutcomeKey, StoredOutcome> Row)> rows) =>
        new NpgsqlBatchCommand(Outcomes)
            .With(Column(rows, static (plan, _) => plan.SpaceId))
            .With(Column(rows, static (_, row) => row.Key.Principal))
            .With(Column(rows, static (_, row) => row.Key.OpId))
            .With(Column(rows, static (_, row) => row.Value.Fingerprint))
            .With(Column(rows, static (_, row) => (short)row.Value.Outcome.State))
            .With(Column(rows, static (_, row) => (short)row.Value.Outcome.Status))
            .With(Column(rows, static (_, row) => row.Value.Outcome.Rev))
            .With(Column(rows, static (_, row) => row.Value.Outcome.ConflictId))
            .With(Column(rows, static (_, row) => row.Value.Outcome.ETag))
            .With(Column(rows, static (_, row) => row.Value.Outcome.Location))
            .With(Column(rows, static (_, row) => row.Value.Outcome.Body))
            .With(Column(rows, static (_, row) => row.Value.Entity))
            .With(Column(rows, static (plan, _) => plan.Now));

    private static NpgsqlBatchCommand ConflictRows(List<(SpacePlan Plan, Core.Push.ConflictRow Row)> rows) => new NpgsqlBatchCommand(Conflicts)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, row) => row.ConflictId))
        .With(Column(rows, static (_, row) => row.Slot.Key.Entity))
        .With(Column(rows, static (_, row) => row.Slot.Key.Id))
        .With(Column(rows, static (_, row) => row.Slot.Principal))
        .With(Column(rows, static (_, row) => row.Slot.Device))
        .With(Column(rows, static (_, row) => (short)(row.Open ? 1 : 2)))
        .With(Column(rows, static (plan, _) => plan.Now));

    private static NpgsqlBatchCommand ResolvedRows(List<(SpacePlan Plan, ResolvedOp Row)> rows) => new NpgsqlBatchCommand(Resolved)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, op) => op.Key.Principal))
        .With(Column(rows, static (_, op) => op.Key.OpId))
        .With(Column(rows, static (_, op) => (short)op.Choice));

    private static NpgsqlBatchCommand UnchangedRows(List<(SpacePlan Plan, Change Row)> rows) => new NpgsqlBatchCommand(Unchanged)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, row) => row.Key.Entity))
        .With(Column(rows, static (_, row) => row.Key.Id))
        .With(Column(rows, static (_, row) => row.Rev))
        .With(Column(rows, static (_, row) => row.Principal))
        .With(Column(rows, static (_, row) => row.OpId))
        .With(Column(rows, static (_, row) => row.Device))
        .With(Column(rows, static (_, row) => row.N))
        .With(Column(rows, static (_, row) => row.At))
        .WithJson(Column(rows, static (_, row) => row.Sent?.ToUtf8()))
        .WithJson(Column(rows, static (_, row) => row.Merge?.ToUtf8()))
        .With(Column(rows, static (_, row) => (row.Sent?.ToUtf8().Length ?? 0) + (row.Merge?.ToUtf8().Length ?? 0)));

    private static NpgsqlBatchCommand FreedRows(List<(SpacePlan Plan, (UniqueKey Key, string RecordId) Row)> rows) => new NpgsqlBatchCommand(FreedKeys)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, key) => key.Key.Entity))
        .With(Column(rows, static (_, key) => key.Key.Rule))
        .With(Column(rows, static (_, key) => key.Key.Hash))
        .With(Column(rows, static (_, key) => key.RecordId));

    private static NpgsqlBatchCommand TakenRows(List<(SpacePlan Plan, KeyValuePair<UniqueKey, string> Row)> rows) => new NpgsqlBatchCommand(TakenKeys)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, key) => key.Key.Entity))
        .With(Column(rows, static (_, key) => key.Key.Rule))
        .With(Column(rows, static (_, key) => key.Key.Hash))
        .With(Column(rows, static (_, key) => key.Value));

    private static List<(SpacePlan Plan, T Row)> Rows<T>(IReadOnlyList<SpacePlan> plans, Func<SpacePlan, IReadOnlyCollection<T>> of)
    {
        var rows = new List<(SpacePlan, T)>();
        foreach (var plan in plans)
        {
            var held = of(plan);
            if (held.Count > 0)
            {
                rows.EnsureCapacity(plans.Count);
                foreach (var row in held)
                {
                    rows.Add((plan, row));
                }
            }
        }

        return rows;
    }

    internal static List<TColumn> Column<T, TColumn>(List<(SpacePlan Plan, T Row)> rows, Func<SpacePlan, T, TColumn> of)
    {
        var column = new List<TColumn>(rows.Count);
        foreach (var (plan, row) in rows)
        {
            column.Add(of(plan, row));
        }

        return column;
    }
}
