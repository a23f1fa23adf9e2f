using System.Security.Cryptography;
using Npgsql;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>
/// Reads spaces in one round trip, for one request or for a group of them: a constant number of statements, and none that
/// has nothing to ask. The lock is a statement of its own before the reads: in READ COMMITTED every statement has its own
/// snapshot, so the reads see everything that was committed before the lock was granted. Every statement asks for the
/// membership itself, so that nothing is looked up, or locked, for those outside.
/// </summary>
internal sealed class SpaceLoad(TimeProvider clock, UniqueRegister register)
{
    // Two plans never draw the same values, however many there are.
    private const int SeedBytes = 16;

    // Every statement here and in SpaceWrite touches few rows by key, whatever the statistics say: those of a table that
    // was small when it was looked at, or never was, would make a prepared plan read all of it for hours.
    private const string Settings = """
        SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
            set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)
        """;

    // Each row of what is asked is looked up by all of its key, in a subquery of its own: a join may begin with a part of
    // the key that statistics call rare, and read everything that one member ever did. The range says the same as equality,
    // and is no reason to go by the index of principals, who may be in thousands of spaces.
    internal const string IsMember =
        "EXISTS (SELECT FROM members m WHERE m.space_id = k.space_id AND m.principal BETWEEN k.principal AND k.principal)";

    private const string Look = """
        SELECT s.space_id, s.head, s.personal, s.name, s.unique_rules
        FROM unnest($1, $2, $3) AS k(space_id, principal, role)
        CROSS JOIN LATERAL (
            SELECT FROM members m
            WHERE m.space_id = k.space_id AND m.principal BETWEEN k.principal AND k.principal AND m.role >= k.role LIMIT 1) AS m
        JOIN spaces s ON s.space_id = k.space_id
        """;

    private const string Wait = Look + " ORDER BY s.space_id FOR UPDATE OF s";

    private const string Skip = Wait + " SKIP LOCKED";

    private const string Roles = """
        SELECT k.i, m.role
        FROM unnest($1, $2) WITH ORDINALITY AS k(space_id, principal, i)
        CROSS JOIN LATERAL (
            SELECT m.role FROM members m
            WHERE m.space_id = k.space_id AND m.principal BETWEEN k.principal AND k.principal LIMIT 1) AS m
        """;

    // Bodies of dependencies are not read, and those of repeats as far as the answer has room, the spaces with few before
    // those with many. What is left out is never read from where PostgreSQL keeps large values.
    private const string Outcomes = $"""
        SELECT o.op_id, o.fingerprint, o.state, o.status, o.rev, o.conflict_id, o.choice, o.etag, o.location,
            CASE WHEN o.fits THEN o.body END, o.entity, o.i, o.body IS NULL, o.fits
        FROM (
            SELECT s.*, s.own AND sum(s.size) OVER (ORDER BY s.space_size, s.space_id, s.i ROWS UNBOUNDED PRECEDING) - s.size < $5 AS fits
            FROM (
                SELECT o.*, k.i, k.own, s.size, sum(s.size) OVER (PARTITION BY o.space_id) AS space_size
                FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k(space_id, principal, op_id, own, i)
                CROSS JOIN LATERAL (
                    SELECT * FROM outcomes o
                    WHERE o.space_id = k.space_id AND o.principal = k.principal AND o.op_id = k.op_id AND {IsMember} LIMIT 1) AS o
                CROSS JOIN LATERAL (SELECT CASE WHEN k.own THEN coalesce(octet_length(o.body), 0) ELSE 0 END::bigint AS size) AS s) AS s) AS o
        """;

    private const string Records = $"""
        SELECT {SpaceRows.RecordColumns}, k.i
        FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS k(space_id, principal, entity, record_id, i)
        CROSS JOIN LATERAL (
            SELECT * FROM records r
            WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id AND {IsMember} LIMIT 1) AS r
        """;

    // In the order of the index of open conflicts, so that it is the one to be used.
    private const string OpenConflicts = $"""
        SELECT k.i, c.principal = k.principal AND c.device = k.device AS own, {SpaceRows.RecordColumns}
        FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS k(space_id, principal, entity, record_id, device, i)
        CROSS JOIN LATERAL (
            SELECT c.conflict_id, c.principal, c.device FROM conflicts c
            WHERE c.space_id = k.space_id AND c.entity = k.entity AND c.record_id = k.record_id AND c.state = 1 AND {IsMember}
            ORDER BY c.principal, c.device OFFSET 0) AS c
        LEFT JOIN LATERAL (
            SELECT * FROM records r
            WHERE r.space_id = k.space_id AND r.entity = '{RecordKey.ConflictEntity}' AND r.record_id = c.conflict_id LIMIT 1) AS r
            ON c.principal = k.principal AND c.device = k.device
        """;

    // What a change takes in memory beside its values: names, numbers and a principal of usual length.
    private const int ChangeBytes = 256;

    // A base that is too old for a merge loads nothing and does not spoil those of other ops. Only an unbroken run up to the
    // present is of use, so runs are cut at their old end, and short runs go before long ones: a record with much history
    // costs the others nothing. What is cut is never read from where PostgreSQL keeps large values.
    private static readonly string Changes = $"""
        SELECT {SpaceRows.ChangeColumns}, c.space_id
        FROM (
            SELECT run.*, sum(run.bytes::bigint + {ChangeBytes})
                OVER (ORDER BY run.run_bytes, run.space_id, run.entity, run.record_id, run.rev DESC ROWS UNBOUNDED PRECEDING) AS total_bytes
            FROM (
                SELECT k.space_id, k.entity, k.record_id, min(k.since) AS since
                FROM unnest($1, $2, $3, $4, $5) AS k(space_id, principal, entity, record_id, since)
                CROSS JOIN LATERAL (
                    SELECT r.rev FROM records r
                    WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id AND {IsMember} LIMIT 1) AS r
                WHERE r.rev - k.since <= {Core.Limits.MergeChanges}
                GROUP BY k.space_id, k.entity, k.record_id) AS k
            CROSS JOIN LATERAL (
                SELECT *, sum(bytes::bigint + {ChangeBytes}) OVER (ORDER BY rev DESC ROWS UNBOUNDED PRECEDING) AS run_bytes
                FROM changes
                WHERE space_id = k.space_id AND entity = k.entity AND record_id = k.record_id AND rev > k.since) AS run) AS c
        WHERE c.total_bytes <= {Core.Limits.MergeBytes}
        ORDER BY c.seq
        """;

    // The same for ops that changed nothing. A part of a record's is of no use, so a run is loaded whole or its first row says
    // that it was cut; rows of older servers have no size and are measured.
    private static readonly string Unchanged = $"""
        SELECT o.entity, o.record_id, o.rev, o.op_id, o.device, o.n, o.at, CASE WHEN o.fits THEN o.sent END, o.space_id, o.principal, o.fits
        FROM (
            SELECT run.*, run.ops <= {Core.Limits.MergeChanges} AND sum(run.size)
                OVER (ORDER BY run.run_bytes, run.space_id, run.entity, run.record_id, run.principal) <= {Core.Limits.MergeBytes} AS fits
            FROM (
                SELECT k.space_id, k.principal, k.entity, k.record_id, min(k.since) AS since
                FROM unnest($1, $2, $3, $4, $5) AS k(space_id, principal, entity, record_id, since)
                CROSS JOIN LATERAL (
                    SELECT r.rev FROM records r
                    WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id AND {IsMember} LIMIT 1) AS r
                WHERE r.rev - k.since <= {Core.Limits.MergeChanges}
                GROUP BY k.space_id, k.principal, k.entity, k.record_id) AS k
            CROSS JOIN LATERAL (
                SELECT u.*, sum(u.size) OVER () AS run_bytes, count(*) OVER () AS ops, row_number() OVER () AS place
                FROM (
                    SELECT *, coalesce(bytes, octet_length(sent::text))::bigint + {ChangeBytes} AS size FROM unchanged_ops
                    WHERE space_id = k.space_id AND entity = k.entity AND record_id = k.record_id AND rev > k.since AND principal = k.principal
                    LIMIT {Core.Limits.MergeChanges} + 1) AS u) AS run) AS o
        WHERE o.fits OR o.place = 1
        ORDER BY o.rev, o.at, o.op_id
        """;

    private const string UniqueKeys = """
        SELECT u.entity, u.rule, u.hash, u.record_id, u.space_id
        FROM unnest($1, $2, $3, $4) AS k(space_id, entity, rule, hash)
        CROSS JOIN LATERAL (
            SELECT * FROM unique_keys u
            WHERE u.space_id = k.space_id AND u.entity = k.entity AND u.rule = k.rule AND u.hash = k.hash OFFSET 0) AS u
        """;

    /// <summary>One space for one request; null to those outside, to whom a space that does not exist looks the same.</summary>
    public async Task<LoadedSpace?> ReadAsync(
        NpgsqlConnection connection, LoadSpec spec, (Role Needed, SpaceLock Lock) access, CancellationToken cancellation)
    {
        LoadSpec[] specs = [spec];
        return (await ReadAsync(connection, specs, access, cancellation))[0, spec];
    }

    /// <summary>
    /// What all of <paramref name="specs"/> ask for. A space is locked where one of those who ask for it has the role;
    /// whether each of them has it is for the caller to look at. History is cut at <see cref="Core.Limits.MergeBytes"/> for
    /// all of them together, and answers to repeats at <see cref="LoadSpec.AnswerBytes"/>.
    /// </summary>
    public async Task<LoadedSpaces> ReadAsync(
        NpgsqlConnection connection, IReadOnlyList<LoadSpec> specs, (Role Needed, SpaceLock Lock) access, CancellationToken cancellation)
    {
        var asked = new Asked(specs);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Settings));
        batch.BatchCommands.Add(asked.Locks(access.Lock switch { SpaceLock.None => Look, SpaceLock.Wait => Wait, _ => Skip }, access.Needed));
        batch.BatchCommands.Add(asked.Members(Roles));
        batch.BatchCommands.Add(asked.Ops(Outcomes));
        if (asked.HasRecords)
        {
            batch.BatchCommands.Add(asked.RecordKeys(Records, withDevices: false));
            batch.BatchCommands.Add(asked.RecordKeys(OpenConflicts, withDevices: true));
        }

        if (asked.HasBases)
        {
            batch.BatchCommands.Add(asked.Bases(Changes));
            batch.BatchCommands.Add(asked.Bases(Unchanged));
        }

        if (asked.HasUniqueKeys)
        {
            batch.BatchCommands.Add(asked.UniqueKeys(UniqueKeys));
        }

        if (asked.HasLate)
        {
            OwnLater.AddTo(batch, asked);
        }

        LoadedSpaces loaded;
        await using (var reader = await batch.ExecuteReaderAsync(cancellation))
        {
            loaded = await ReadAsync(reader, asked, access.Lock, cancellation);
        }

        // A space that is only locked beside another is written to no more than by its erasure.
        foreach (var space in access.Lock == SpaceLock.Wait ? loaded.Behind.Intersect(specs.Select(spec => spec.SpaceId)) : [])
        {
            // Nothing was asked of the keys yet: which of them matter is known only when a decision was tried.
            await register.CatchUpAsync(connection, space, cancellation);
        }

        return loaded;
    }

    private async Task<LoadedSpaces> ReadAsync(NpgsqlDataReader reader, Asked asked, SpaceLock by, CancellationToken cancellation)
    {
        var loaded = new LoadedSpaces(asked.Specs.Count);
        await reader.NextResultAsync(cancellation);
        await ReadSpacesAsync(loaded, by, reader, cancellation);
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            loaded.Add((int)reader.GetInt64(0) - 1, (Role)reader.GetInt16(1));
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            ReadOutcome(loaded, asked, reader);
        }

        if (asked.HasRecords)
        {
            await ReadRecordsAsync(loaded, asked, reader, cancellation);
        }

        if (asked.HasBases)
        {
            await ReadHistoryAsync(loaded, reader, cancellation);
        }

        if (asked.HasUniqueKeys)
        {
            await ReadUniqueKeysAsync(loaded, asked, reader, cancellation);
        }

        if (asked.HasLate)
        {
            await OwnLater.ReadAsync(loaded, reader, cancellation);
        }

        return loaded;
    }

    private async Task ReadSpacesAsync(LoadedSpaces loaded, SpaceLock by, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        DateTimeOffset? now = null;
        while (await reader.ReadAsync(cancellation))
        {
            // Read once the locks are held: the clock then follows the order of seq.
            now ??= clock.GetUtcNow();
            var (space, isBehind) = (reader.GetGuid(0), !register.Knows(reader.Text(4)));
            if (isBehind)
            {
                loaded.Behind.Add(space);
            }

            // Catching up may take long, so whoever waits for nobody leaves the space to who does.
            if (!isBehind || by != SpaceLock.Skip)
            {
                var entropy = new Entropy(RandomNumberGenerator.GetBytes(SeedBytes));
                loaded.Add(new SpacePlan(space, reader.GetInt64(1), now.Value, entropy), reader.GetBoolean(2), reader.Text(3));
            }
        }
    }

    private static void ReadOutcome(LoadedSpaces loaded, Asked asked, NpgsqlDataReader reader)
    {
        var row = (int)reader.GetInt64(11) - 1;
        var spec = asked.SpecOfOp(row);
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
            IsExpired = reader.GetBoolean(12),
            IsBodyLeft = !reader.GetBoolean(12) && !reader.GetBoolean(13),
        };
        if (stored.IsBodyLeft && asked.IsOwnOp(row))
        {
            // Where several requests shared the room, each asks alone.
            loaded.PlanOf(spec.SpaceId)?.CutHistory();
        }

        loaded.PlanOf(spec.SpaceId)?.Load(new OutcomeKey(spec.Principal, reader.GetString(0)), stored);
    }

    private static async Task ReadRecordsAsync(LoadedSpaces loaded, Asked asked, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            loaded.PlanOf(asked.RecordAt((int)reader.GetInt64(9) - 1).Space)?.Load(SpaceRows.Record(reader, 0));
        }

        var counts = new Dictionary<int, int>();
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var at = (int)reader.GetInt64(0) - 1;
            var (space, key) = asked.RecordAt(at);
            if (loaded.PlanOf(space) is not { } plan)
            {
                continue;
            }

            // Several devices may ask for one record; each counts all of its conflicts.
            counts[at] = counts.GetValueOrDefault(at) + 1;
            plan.LoadOpenConflicts(key, counts[at]);
            if (reader.GetBoolean(1))
            {
                var holder = SpaceRows.Record(reader, 2);
                plan.Load(ParkedConflict.FromJson(holder.Data!.Value), holder);
            }
        }
    }

    private static async Task ReadHistoryAsync(LoadedSpaces loaded, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            loaded.PlanOf(reader.GetGuid(14))?.Load(SpaceRows.Change(reader, 0));
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var plan = loaded.PlanOf(reader.GetGuid(8));
            if (reader.GetBoolean(10))
            {
                plan?.Load(SpaceRows.Unchanged(reader, reader.GetString(9)));
            }
            else
            {
                plan?.CutHistory(new RecordKey(reader.GetString(0), reader.GetString(1)));
            }
        }
    }

    private static async Task ReadUniqueKeysAsync(LoadedSpaces loaded, Asked asked, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        foreach (var spec in asked.Specs)
        {
            foreach (var key in spec.UniqueKeys)
            {
                loaded.PlanOf(spec.SpaceId)?.Load(key, holder: null);
            }
        }

        await reader.NextResultAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            loaded.PlanOf(reader.GetGuid(4))?.Load(new UniqueKey(reader.GetString(0), reader.GetString(1), reader.GetString(2)), reader.GetString(3));
        }
    }
}
