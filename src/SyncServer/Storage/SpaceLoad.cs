using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>A revision that a user saw, on which an op is to be merged.</summary>
internal readonly record struct MergeBase(RecordKey Key, long Rev);

/// <summary>What a request needs to know of its space before it can decide.</summary>
internal sealed record LoadSpec(Guid SpaceId, string Principal, string Device)
{
    /// <summary>Op ids whose outcomes matter: the request's own keys and what they depend on.</summary>
    public IReadOnlyCollection<string> OpIds { get; init; } = [];

    /// <summary>Records that matter, as they are now.</summary>
    public IReadOnlyCollection<RecordKey> Records { get; init; } = [];

    /// <summary>The revisions of these records after which changes matter, at most one <see cref="MergeBase"/> for each op.</summary>
    public IReadOnlyCollection<MergeBase> Bases { get; init; } = [];

    /// <summary>Records that an op without a base edits, and the counters above which the device's own changes matter.</summary>
    public IReadOnlyDictionary<RecordKey, long> Late { get; init; } = new Dictionary<RecordKey, long>();

    /// <summary>Unique keys whose holders matter.</summary>
    public IReadOnlyCollection<UniqueKey> UniqueKeys { get; init; } = [];

    /// <summary>Another space, whose row is locked too where the caller owns it. Locks are taken in the order of ids, whichever is the other.</summary>
    public Guid? Beside { get; init; }

    /// <summary>How many ops are decided; for the log.</summary>
    public int Ops { get; init; } = 1;

    /// <summary>What a push of these ops needs.</summary>
    public static LoadSpec Of(Guid spaceId, PushContext context, IReadOnlyList<Op> ops)
    {
        // A strict op is measured by its precondition and a create by what exists: neither asks what came between.
        var merged = ops.Where(op => op is { IsStrict: false, Kind: not OpKind.Create, BaseRev: not null });
        return new LoadSpec(spaceId, context.Principal, context.Device)
        {
            OpIds = ops.SelectMany(op => op.DependsOn.Prepend(op.OpId)).ToHashSet(StringComparer.Ordinal),
            Records = ops.Select(op => op.Key).ToHashSet(),
            Bases = merged.Select(op => new MergeBase(op.Key, op.BaseRev!.Value)).ToHashSet(),
            Late = OwnLater.Of(context.Device, ops),
            Ops = ops.Count,
        };
    }
}

/// <summary>A space as one transaction saw it, under its lock unless the request only looks.</summary>
internal sealed record LoadedSpace(SpacePlan Plan, Role Role, bool Personal, string? Name)
{
    /// <summary>Whether <see cref="LoadSpec.Beside"/> is locked as well; without it that space may not be written.</summary>
    public bool BesideLocked { get; init; }
}

/// <summary>
/// Reads a space in one round trip. The lock is a statement of its own before the reads: in READ COMMITTED every
/// statement has its own snapshot, so the reads see everything that was committed before the lock was granted.
/// </summary>
internal sealed class SpaceLoad(TimeProvider clock, UniqueRegister register)
{
    private const string Space = "SELECT head, personal, name, unique_rules FROM spaces WHERE space_id = $1";

    private static readonly string Both = $"""
        SELECT s.space_id FROM spaces s
        WHERE s.space_id = $1 OR (s.space_id = $2 AND EXISTS (
            SELECT FROM members m WHERE m.space_id = $2 AND m.principal = $3 AND m.role = {(int)Role.Owner}))
        ORDER BY s.space_id FOR UPDATE
        """;

    internal const string Member = "SELECT role FROM members WHERE space_id = $1 AND principal = $2";

    // One by one: for a list the planner may read all outcomes of the principal instead, which it takes for few.
    internal const string Outcomes = """
        SELECT o.*
        FROM unnest($3) AS k(id)
        CROSS JOIN LATERAL (
            SELECT op_id, fingerprint, state, status, rev, conflict_id, choice, etag, location, body, entity
            FROM outcomes WHERE space_id = $1 AND principal = $2 AND op_id = k.id LIMIT 1) AS o
        """;

    private const string Unchanged = """
        SELECT o.entity, o.record_id, o.rev, o.op_id, o.device, o.n, o.at, o.sent
        FROM unnest($3, $4, $5) AS k(entity, record_id, since)
        JOIN unchanged_ops o ON o.space_id = $1 AND o.entity = k.entity AND o.record_id = k.record_id AND o.rev > k.since AND o.principal = $2
        ORDER BY o.rev, o.at, o.op_id
        """;

    private const string UniqueKeys = """
        SELECT u.entity, u.rule, u.hash, u.record_id
        FROM unnest($2, $3, $4) AS k(entity, rule, hash)
        JOIN unique_keys u ON u.space_id = $1 AND u.entity = k.entity AND u.rule = k.rule AND u.hash = k.hash
        """;

    internal const string Records = $"""
        SELECT {SpaceRows.RecordColumns}
        FROM unnest($2, $3) AS k(entity, record_id)
        JOIN records r ON r.space_id = $1 AND r.entity = k.entity AND r.record_id = k.record_id
        """;

    private const string OpenConflicts = $"""
        SELECT c.entity, c.record_id, c.principal = $4 AND c.device = $5 AS own, {SpaceRows.RecordColumns}
        FROM unnest($2, $3) AS k(entity, record_id)
        JOIN conflicts c ON c.space_id = $1 AND c.entity = k.entity AND c.record_id = k.record_id AND c.state = 1
        LEFT JOIN records r ON r.space_id = $1 AND r.entity = '{RecordKey.ConflictEntity}' AND r.record_id = c.conflict_id
            AND c.principal = $4 AND c.device = $5
        """;

    // What a change takes in memory beside its values: names, numbers and a principal of usual length.
    private const int ChangeBytes = 256;

    // A base that is too old for a merge loads nothing and does not spoil those of other ops. Only an unbroken run up to the
    // present is of use, so runs are cut at their old end, and short runs go before long ones: a record with much history
    // costs the others nothing. What is cut is never read from where PostgreSQL keeps large values.
    private static readonly string Changes = $"""
        SELECT {SpaceRows.ChangeColumns}
        FROM (
            SELECT run.*, sum(run.bytes::bigint + {ChangeBytes})
                OVER (ORDER BY run.run_bytes, run.entity, run.record_id, run.rev DESC ROWS UNBOUNDED PRECEDING) AS total_bytes
            FROM (
                SELECT r.entity, r.record_id, min(b.since) AS since
                FROM unnest($2, $3, $4) AS b(entity, record_id, since)
                JOIN records r ON r.space_id = $1 AND r.entity = b.entity AND r.record_id = b.record_id
                WHERE r.rev - b.since <= {Core.Limits.MergeChanges}
                GROUP BY r.entity, r.record_id) AS k
            CROSS JOIN LATERAL (
                SELECT *, sum(bytes::bigint + {ChangeBytes}) OVER (ORDER BY rev DESC ROWS UNBOUNDED PRECEDING) AS run_bytes
                FROM changes
                WHERE space_id = $1 AND entity = k.entity AND record_id = k.record_id AND rev > k.since) AS run) AS c
        WHERE c.total_bytes <= {Core.Limits.MergeBytes}
        ORDER BY c.seq
        """;

    /// <summary>
    /// The caller's role, or null for those outside. It takes no lock and reads nothing else, so a refusal waits for
    /// nobody and takes as long for a space that exists as for one that does not.
    /// </summary>
    public static async Task<Role?> RoleAsync(NpgsqlConnection connection, LoadSpec spec, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Member, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = spec.SpaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = spec.Principal });
        return (Role?)(short?)await command.ExecuteScalarAsync(cancellation);
    }

    /// <summary>Null where the space does not exist or the caller is no member: to outsiders the two are the same.</summary>
    public async Task<LoadedSpace?> ReadAsync(
        NpgsqlConnection connection, LoadSpec spec, bool locked, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (locked && spec.Beside is { } beside)
        {
            Add(batch, Both, spec.SpaceId, beside, spec.Principal);
        }

        Add(batch, locked ? Space + " FOR UPDATE" : Space, spec.SpaceId);
        Add(batch, Member, spec.SpaceId, spec.Principal);
        Add(batch, Outcomes, spec.SpaceId, spec.Principal, spec.OpIds.ToArray());
        if (spec.Records.Count > 0)
        {
            var entities = spec.Records.Select(key => key.Entity).ToArray();
            var ids = spec.Records.Select(key => key.Id).ToArray();
            Add(batch, Records, spec.SpaceId, entities, ids);
            Add(batch, OpenConflicts, spec.SpaceId, entities, ids, spec.Principal, spec.Device);
            Add(batch, Changes, spec.SpaceId,
                spec.Bases.Select(merged => merged.Key.Entity).ToArray(),
                spec.Bases.Select(merged => merged.Key.Id).ToArray(),
                spec.Bases.Select(merged => merged.Rev).ToArray());
            var lowest = spec.Bases.GroupBy(merged => merged.Key).ToDictionary(group => group.Key, group => group.Min(merged => merged.Rev));
            Add(batch, Unchanged, spec.SpaceId, spec.Principal,
                lowest.Keys.Select(key => key.Entity).ToArray(),
                lowest.Keys.Select(key => key.Id).ToArray(),
                lowest.Values.ToArray());
            Add(batch, UniqueKeys, spec.SpaceId,
                spec.UniqueKeys.Select(key => key.Entity).ToArray(),
                spec.UniqueKeys.Select(key => key.Rule).ToArray(),
                spec.UniqueKeys.Select(key => key.Hash).ToArray());
            OwnLater.AddTo(batch, spec);
        }

        var (loaded, isBehind) = await ReadAsync(batch, spec, locked, cancellation);
        if (locked && isBehind)
        {
            // Nothing was asked of the keys yet: which of them matter is known only when a decision was tried.
            await register.CatchUpAsync(connection, spec.SpaceId, cancellation);
        }

        return loaded;
    }

    private async Task<(LoadedSpace? Loaded, bool IsBehind)> ReadAsync(NpgsqlBatch batch, LoadSpec spec, bool locked, CancellationToken cancellation)
    {
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var besideLocked = false;
        if (locked && spec.Beside is not null)
        {
            while (await reader.ReadAsync(cancellation))
            {
                besideLocked |= reader.GetGuid(0) == spec.Beside;
            }

            await reader.NextResultAsync(cancellation);
        }

        var (loaded, isBehind) = await ReadAsync(reader, spec, cancellation);
        return (loaded is null ? null : loaded with { BesideLocked = besideLocked }, isBehind);
    }

    private async Task<(LoadedSpace? Loaded, bool IsBehind)> ReadAsync(NpgsqlDataReader reader, LoadSpec spec, CancellationToken cancellation)
    {
        if (!await reader.ReadAsync(cancellation))
        {
            return default;
        }

        var seed = System.Security.Cryptography.RandomNumberGenerator.GetBytes(16);
        var plan = new SpacePlan(spec.SpaceId, reader.GetInt64(0), clock.GetUtcNow(), new Entropy(seed));
        var (personal, name, isBehind) = (reader.GetBoolean(1), reader.Text(2), !register.Knows(reader.Text(3)));
        await reader.NextResultAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
        {
            return default;
        }

        var role = (Role)reader.GetInt16(0);
        await reader.NextResultAsync(cancellation);
        await ReadOutcomesAsync(plan, spec.Principal, reader, cancellation);
        if (await reader.NextResultAsync(cancellation))
        {
            await ReadRecordsAsync(plan, spec, reader, cancellation);
        }

        return (new LoadedSpace(plan, role, personal, name), isBehind);
    }

    private static async Task ReadOutcomesAsync(SpacePlan plan, string principal, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        while (await reader.ReadAsync(cancellation))
        {
            var outcome = new Outcome
            {
                State = (OutcomeState)reader.GetInt16(2),
                Status = reader.GetInt16(3),
                Rev = reader.Number(4),
                ConflictId = reader.Text(5),
                ETag = reader.Text(7),
                Location = reader.Text(8),
                Body = reader.IsDBNull(9) ? default : reader.GetFieldValue<byte[]>(9),
            };
            var stored = new StoredOutcome(outcome, reader.GetFieldValue<byte[]>(1))
            {
                ResolvedForOp = !reader.IsDBNull(6) && reader.GetInt16(6) != 0,
                Entity = reader.Text(10) ?? "",
                IsExpired = reader.IsDBNull(9),
            };
            plan.Load(new OutcomeKey(principal, reader.GetString(0)), stored);
        }
    }

    private static async Task ReadRecordsAsync(SpacePlan plan, LoadSpec spec, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        while (await reader.ReadAsync(cancellation))
        {
            plan.Load(SpaceRows.Record(reader, 0));
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var key = new RecordKey(reader.GetString(0), reader.GetString(1));
            plan.LoadOpenConflicts(key, plan.OpenConflicts(key) + 1);
            if (reader.GetBoolean(2))
            {
                var holder = SpaceRows.Record(reader, 3);
                plan.Load(ParkedConflict.FromJson(holder.Data!.Value), holder);
            }
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            plan.Load(SpaceRows.Change(reader, 0));
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            plan.Load(SpaceRows.Unchanged(reader, spec.Principal));
        }

        foreach (var key in spec.UniqueKeys)
        {
            plan.Load(key, holder: null);
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            plan.Load(new UniqueKey(reader.GetString(0), reader.GetString(1), reader.GetString(2)), reader.GetString(3));
        }

        await OwnLater.ReadAsync(plan, spec, reader, cancellation);
    }

    private static void Add(NpgsqlBatch batch, string sql, params IEnumerable<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        batch.BatchCommands.Add(command);
    }
}
