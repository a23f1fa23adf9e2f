using Npgsql;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>
/// Reads spaces in one round trip, and a second one where there are repeats to answer, for one request or for a group of them: a
/// constant number of statements, and none that has nothing to ask; where nothing is asked at all there is no round trip. The lock is a statement of its own before the reads: in READ
/// COMMITTED every statement has its own snapshot, so the reads see everything that was committed before the lock was granted. Every
/// statement of the first round trip asks for the membership itself, so that nothing is looked up, or locked, for those outside.
/// </summary>
internal sealed class SpaceLoad(TimeProvider clock, UniqueRegister register)
{
    internal const string IsMember = "EXISTS (SELECT FROM members m WHERE m.space_id = k.space_id AND m.principal = k.principal)";

    // Who is no member has no row to lock: a space is looked up by the membership that was found. Where a row may be waited for,
    // rows are locked in the order of ids; whoever never waits deadlocks with nobody, and needs none.
    internal static readonly string Look = Spaces(Asked, "OFFSET 0");

    internal static readonly string Wait = Spaces($"(SELECT * FROM {Asked} ORDER BY space_id OFFSET 0) AS k", "FOR UPDATE");

    internal static readonly string Skip = Spaces(Asked, "FOR UPDATE SKIP LOCKED");

    private static string Asked => Arrays.Rows("space_id, principal, role");

    private static string Spaces(string asked, string end) => $"""
        SELECT s.space_id, s.head, s.personal, s.name, s.unique_rules, s.figures
        FROM {asked}
        CROSS JOIN LATERAL (
            SELECT m.space_id FROM members m
            WHERE m.space_id = k.space_id AND m.principal = k.principal AND m.role >= k.role LIMIT 1) AS m
        CROSS JOIN LATERAL (SELECT * FROM spaces s WHERE s.space_id = m.space_id {end}) AS s
        """;

    // What a change takes in memory beside its values: names, numbers and a principal of usual length.
    private const int ChangeBytes = 256;

    // A base that is too old for a merge loads nothing and does not spoil those of other ops. Only an unbroken run up to the
    // present is of use, so runs are cut at their old end, and short runs go before long ones: a record with much history
    // costs the others nothing. What is cut is never read from where PostgreSQL keeps large values.
    internal static readonly string Changes = $"""
        SELECT {SpaceRows.ChangeColumns}, c.space_id
        FROM (
            SELECT run.*, sum(run.bytes::bigint + {ChangeBytes})
                OVER (ORDER BY run.run_bytes, run.space_id, run.entity, run.record_id, run.rev DESC ROWS UNBOUNDED PRECEDING) AS total_bytes
            FROM (
                SELECT k.space_id, k.entity, k.record_id, min(k.since) AS since
                FROM {Arrays.Rows("space_id, principal, entity, record_id, since")}
                CROSS JOIN LATERAL (
                    SELECT r.rev FROM records r
                    WHERE r.space_id = k.space_id AND r.entity = k.entity AND r.record_id = k.record_id AND {IsMember} LIMIT 1) AS r
                WHERE r.rev - k.since <= {Core.Limits.MergeChanges}
                GROUP BY k.space_id, k.entity, k.record_id) AS k
            CROSS JOIN LATERAL (
                SELECT *, sum(bytes::bigint + {ChangeBytes}) OVER (ORDER BY rev DESC ROWS UNBOUNDED PRECEDING) AS run_bytes
                FROM {RecordChanges.Of("k", rev => $"{rev} > k.since")} AS change) AS run) AS c
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
                FROM {Arrays.Rows("space_id, principal, entity, record_id, since")}
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

    private static readonly string UniqueKeys = $"""
        SELECT u.entity, u.rule, u.hash, u.record_id, u.space_id
        FROM {Arrays.Rows("space_id, entity, rule, hash")}
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
        var loaded = new LoadedSpaces(specs.Count);
        TakeKnown(loaded, specs);
        await using var batch = new NpgsqlBatch(connection);
        if (asked.HasLocks)
        {
            batch.BatchCommands.Add(asked.Locks(access.Lock switch { SpaceLock.None => Look, SpaceLock.Wait => Wait, _ => Skip }, access.Needed));
        }

        if (asked.Rows.Count > 0)
        {
            batch.BatchCommands.Add(StoredKeys.Command(asked));
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

        if (batch.BatchCommands.Count == 0)
        {
            return loaded;
        }

        IReadOnlyList<StoredKeys.Repeat> repeats;
        await using (var reader = await batch.ExecuteReaderAsync(cancellation))
        {
            repeats = await ReadAsync(loaded, reader, asked, access.Lock, cancellation);
        }

        if (repeats.Count > 0)
        {
            await StoredKeys.ReadAnswersAsync(connection, loaded, repeats, cancellation);
        }

        // A space that is only locked beside another is written to no more than by its erasure.
        foreach (var space in access.Lock == SpaceLock.Wait ? loaded.Behind.Intersect(specs.Select(spec => spec.SpaceId)) : [])
        {
            // Nothing was asked of the keys yet: which of them matter is known only when a decision was tried.
            await register.CatchUpAsync(connection, space, cancellation);
        }

        return loaded;
    }

    private async Task<IReadOnlyList<StoredKeys.Repeat>> ReadAsync(
        LoadedSpaces loaded, NpgsqlDataReader reader, Asked asked, SpaceLock by, CancellationToken cancellation)
    {
        if (asked.HasLocks)
        {
            await ReadSpacesAsync(loaded, by, reader, cancellation);
            await reader.NextResultAsync(cancellation);
        }

        var repeats = await StoredKeys.ReadAsync(loaded, asked, reader, cancellation);
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

        return repeats;
    }

    private async Task ReadSpacesAsync(LoadedSpaces loaded, SpaceLock by, NpgsqlDataReader reader, CancellationToken cancellation)
    {
        PlanSeed? seed = null;
        while (await reader.ReadAsync(cancellation))
        {
            // Once the locks are held: the clock then follows the order of seq.
            seed ??= NewSeed();
            var (space, isBehind) = (reader.GetGuid(0), !register.Knows(reader.Text(4)));
            if (isBehind)
            {
                loaded.Behind.Add(space);
            }

            // A space comes for each of those who ask. Catching up may take long, so whoever waits for nobody leaves the space to who does.
            if (loaded.PlanOf(space) is null && (!isBehind || by != SpaceLock.Skip))
            {
                var plan = new SpacePlan(space, reader.GetInt64(1), seed.Now, seed.Next()) { Counted = new Counted(new Figures(reader.GetFieldValue<byte[]>(5))) };
                loaded.Add(plan, reader.GetBoolean(2), reader.Text(3));
            }
        }
    }

    /// <summary>What is known is planned on as if it were read now: where the plan can be written at all, nobody wrote since.</summary>
    private void TakeKnown(LoadedSpaces loaded, IReadOnlyList<LoadSpec> specs)
    {
        PlanSeed? seed = null;
        for (var at = 0; at < specs.Count; at++)
        {
            if (specs[at] is not { Known: { } known } spec || known.RoleOf(spec.Principal) is not { } role)
            {
                continue;
            }

            loaded.Add(at, role);
            if (loaded.PlanOf(spec.SpaceId) is null)
            {
                seed ??= NewSeed();
                loaded.Add(new SpacePlan(spec.SpaceId, known.Head, seed.Now, seed.Next()) { Counted = new Counted(known.Figures), IsAssumed = true });
            }
        }
    }

    private PlanSeed NewSeed() => new(clock.GetUtcNow(), Seeds.New());

    /// <summary>What the plans of one reading share.</summary>
    private sealed record PlanSeed(DateTimeOffset Now, Entropy Seeds)
    {
        public Entropy Next() => new(Seeds.NextTag());
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
