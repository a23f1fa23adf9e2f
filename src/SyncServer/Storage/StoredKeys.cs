using Npgsql;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>
/// What is stored under the keys that requests ask for, in one statement: the caller's role, and for members the outcome of an op
/// id, a record, and the conflicts that are open on it. The answers of repeats are read behind it, where there are any.
/// </summary>
internal static class StoredKeys
{
    // A key with a part that is null finds nothing. Each is looked up whole, in a subquery of its own: a join may begin with a
    // part of the key that statistics call rare, and read everything that one member ever did. Conflicts come in the order of the
    // index of open ones, so that it is the one to be used.
    internal static readonly string Stored = $"""
        SELECT k.i, m.role, c.open,
            o.fingerprint, o.state, o.status, o.rev, o.conflict_id, o.choice, o.etag, o.location, o.entity, octet_length(o.body),
            {SpaceRows.RecordColumns},
            h.entity, h.record_id, h.rev, h.seq, h.deleted, h.data, h.updated_at, h.updated_by, h.op_id
        FROM {Arrays.NumberedRows("space_id, principal, device, op_id, entity, record_id")}
        CROSS JOIN LATERAL (
            SELECT m.role FROM members m WHERE m.space_id = k.space_id AND m.principal = k.principal LIMIT 1) AS m
        LEFT JOIN LATERAL (
            SELECT * FROM outcomes o
            WHERE o.space_id = k.space_id AND o.principal = k.principal AND o.op_id = k.op_id LIMIT 1) AS o ON true
        LEFT JOIN LATERAL (
            SELECT * FROM records r
            WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id LIMIT 1) AS r ON true
        LEFT JOIN LATERAL (
            SELECT count(*) AS open, max(c.conflict_id) FILTER (WHERE c.principal = k.principal AND c.device = k.device) AS own
            FROM (
                SELECT c.conflict_id, c.principal, c.device FROM conflicts c
                WHERE c.space_id = k.space_id AND c.entity = k.entity AND c.record_id = k.record_id AND c.state = 1
                ORDER BY c.principal, c.device OFFSET 0) AS c) AS c ON true
        LEFT JOIN LATERAL (
            SELECT * FROM records h
            WHERE h.space_id = k.space_id AND h.entity = '{RecordKey.ConflictEntity}' AND h.record_id = c.own LIMIT 1) AS h ON true
        """;

    private static readonly string Answers = $"""
        SELECT k.i, o.body
        FROM {Arrays.NumberedRows("space_id, principal, op_id")}
        CROSS JOIN LATERAL (
            SELECT o.body FROM outcomes o
            WHERE o.space_id = k.space_id AND o.principal = k.principal AND o.op_id = k.op_id LIMIT 1) AS o
        """;

    private const int RoleAt = 1, OpenAt = 2, OutcomeAt = 3, BytesAt = 12, RecordAt = 13, HolderAt = 22;

    /// <summary>An outcome that answers a repeat, and the bytes of that answer, which is not read yet.</summary>
    internal readonly record struct Repeat(AskedRow Row, StoredOutcome Stored, long Bytes);

    public static NpgsqlBatchCommand Command(Asked asked) => asked.Keys(Stored);

    /// <summary>Takes over everything but the outcomes of repeats, which are returned.</summary>
    public static async Task<IReadOnlyList<Repeat>> ReadAsync(
        LoadedSpaces loaded, Asked asked, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        List<Repeat>? repeats = null;
        while (await reader.ReadAsync(cancellation))
        {
            var row = asked.Rows[reader.GetInt32(0) - 1];
            loaded.Add(row.At, (Role)reader.GetInt16(RoleAt));
            if (loaded.PlanOf(row.Spec.SpaceId) is not { } plan)
            {
                continue;
            }

            if (row.OpId is not null && !reader.IsDBNull(OutcomeAt))
            {
                var (stored, bytes) = Outcome(reader);
                if (row.IsOwn && !stored.IsExpired)
                {
                    (repeats ??= []).Add(new Repeat(row, stored, bytes));
                }
                else
                {
                    Load(plan, row, stored);
                }
            }

            if (row.Record is { } key)
            {
                ReadRecord(plan, key, reader);
            }
        }

        return (IReadOnlyList<Repeat>?)repeats ?? [];
    }

    /// <summary>
    /// Takes over the outcomes of repeats, with their answers as far as there is room, the spaces with little before those with
    /// much. An answer that is left out is never read from where PostgreSQL keeps large values.
    /// </summary>
    public static async Task ReadAnswersAsync(
        NpgsqlConnection connection, LoadedSpaces loaded, IReadOnlyList<Repeat> repeats, CancellationToken cancellation)
    {
        var (fitting, left) = Fitting(repeats);
        foreach (var repeat in left)
        {
            // Where several requests shared the room, each asks alone.
            var plan = loaded.PlanOf(repeat.Row.Spec.SpaceId)!;
            plan.CutHistory();
            Load(plan, repeat.Row, repeat.Stored);
        }

        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Asked.Ops(Answers, fitting.ConvertAll(repeat => repeat.Row)));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var (row, stored, _) = fitting[reader.GetInt32(0) - 1];
            Load(loaded.PlanOf(row.Spec.SpaceId)!, row, Answered(stored, reader));
        }
    }

    private static (List<Repeat> Fitting, List<Repeat> Left) Fitting(IReadOnlyList<Repeat> repeats)
    {
        var (fitting, left) = (new List<Repeat>(repeats.Count), new List<Repeat>());
        var room = repeats.Max(repeat => repeat.Row.Spec.AnswerBytes);
        foreach (var repeat in repeats.GroupBy(repeat => repeat.Row.Spec.SpaceId).OrderBy(space => space.Sum(repeat => repeat.Bytes)).SelectMany(space => space))
        {
            (room > 0 ? fitting : left).Add(repeat);
            room -= repeat.Bytes;
        }

        return (fitting, left);
    }

    private static void Load(SpacePlan plan, AskedRow row, StoredOutcome stored) =>
        plan.Load(new OutcomeKey(row.Spec.Principal, row.OpId!), stored);

    // Retention takes no space's lock, so the answer may have expired since the statement before said that it is there.
    private static StoredOutcome Answered(StoredOutcome stored, NpgsqlDataReader reader) => reader.IsDBNull(1)
        ? stored with { Outcome = stored.Outcome with { ETag = null, Location = null }, IsExpired = true, IsBodyLeft = false }
        : stored with { Outcome = stored.Outcome with { Body = reader.GetFieldValue<byte[]>(1) }, IsBodyLeft = false };

    private static (StoredOutcome Stored, long Bytes) Outcome(NpgsqlDataReader reader)
    {
        var bytes = reader.IsDBNull(BytesAt) ? (int?)null : reader.GetInt32(BytesAt);
        var outcome = new Outcome
        {
            State = (OutcomeState)reader.GetInt16(OutcomeAt + 1),
            Status = reader.GetInt16(OutcomeAt + 2),
            Rev = reader.Number(OutcomeAt + 3),
            ConflictId = reader.Text(OutcomeAt + 4),
            ETag = reader.Text(OutcomeAt + 6),
            Location = reader.Text(OutcomeAt + 7),
            Body = default,
        };
        var stored = new StoredOutcome(outcome, reader.GetFieldValue<byte[]>(OutcomeAt))
        {
            ResolvedForOp = !reader.IsDBNull(OutcomeAt + 5) && reader.GetInt16(OutcomeAt + 5) != 0,
            Entity = reader.Text(OutcomeAt + 8) ?? "",
            IsExpired = bytes is null,
            IsBodyLeft = bytes is not null,
        };
        return (stored, bytes ?? 0);
    }

    private static void ReadRecord(SpacePlan plan, RecordKey key, NpgsqlDataReader reader)
    {
        if (!reader.IsDBNull(RecordAt))
        {
            plan.Load(SpaceRows.Record(reader, RecordAt));
        }

        if (reader.GetInt64(OpenAt) is > 0 and var open)
        {
            plan.LoadOpenConflicts(key, (int)open);
        }

        if (!reader.IsDBNull(HolderAt))
        {
            var holder = SpaceRows.Record(reader, HolderAt);
            plan.Load(ParkedConflict.FromJson(holder.Data!.Value), holder);
        }
    }
}
