using System.Text.RegularExpressions;
using SyncServer.Conflicts;
using SyncServer.Manifest;
using SyncServer.Pull;
using SyncServer.Records;
using SyncServer.Retention;
using SyncServer.Storage;

namespace SyncServer.Tests.Storage;

/// <summary>The one plan that a statement has is good for a large space too, where almost all others are small.</summary>
public sealed partial class PlanTests
{
    // One space of 20,000 records, and 20,000 of one.
    private const string Load = """
        INSERT INTO records SELECT CASE WHEN n <= 20000 THEN '00000000-0000-0000-0000-000000000001' ELSE md5(n::text)::uuid END,
            'note', n::text, 1, n, false, '{}', 2, now(), 'alice', n::text FROM generate_series(1, 40000) AS n;
        INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, body, decided_at)
            SELECT space_id, CASE WHEN seq <= 20000 THEN 'alice' ELSE op_id END, op_id, '', 1, 201, '', now() FROM records;
        INSERT INTO members SELECT space_id, 'alice', 2 FROM records GROUP BY space_id HAVING min(seq) < 22000;
        INSERT INTO members SELECT md5(n::text)::uuid, n::text, 3 FROM generate_series(1, 20000) AS n;
        ANALYZE
        """;

    // In the large space two changes of each record, of one of them two thousand, and one in each of the others.
    private const string Log = """
        INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, bytes, first_seq)
            SELECT CASE WHEN n <= 20000 THEN '00000000-0000-0000-0000-000000000001' ELSE md5(n::text)::uuid END,
                seq, 'note', n::text, rev, 2, seq::text, 'alice', 'phone', seq, now(), seq, 2, CASE WHEN rev = 2 THEN n END
            FROM (
                SELECT n, n AS seq, 1 AS rev FROM generate_series(1, 40000) AS n
                UNION ALL SELECT n, 40000 + n, 2 FROM generate_series(1, 20000) AS n
                UNION ALL SELECT 77, 60000 + rev, rev FROM generate_series(3, 2000) AS rev) AS change;

        """ + Load;

    private const string OneSpace = "'00000000-0000-0000-0000-000000000001'";

    /// <summary>What asks for changes of a record by their revisions: the types of its parameters, and values.</summary>
    private static readonly (string Sql, string Types, string Values)[] OfRevisions =
    [
        (SpaceLoad.Changes, "uuid[], text[], text[], text[], bigint[]", $"ARRAY[{OneSpace}::uuid], '{{alice}}', '{{note}}', '{{77}}', '{{0}}'"),
        (OwnLater.Changes, "uuid[], text[], text[], text[], text[], bigint[]", $"ARRAY[{OneSpace}::uuid], '{{alice}}', '{{note}}', '{{77}}', '{{phone}}', '{{0}}'"),
        (HistoryQuery.Sql, "uuid, text, text, text, bigint, int, int, bigint, timestamptz, text, text", $"{OneSpace}, 'alice', 'note', '77', 9999, 2, 100000, 9999, now(), '', ''"),
        (SpacePurge.Forget, "uuid, timestamptz, int", $"{OneSpace}, now(), 10"),
        (DueSpaces.Sql, "uuid, int, timestamptz, timestamptz", "'00000000-0000-0000-0000-000000000000', 10, now(), now()"),
        (ConflictQuery.One, "uuid, text, text", $"{OneSpace}, 'alice', 'c'"),
        (ConflictQuery.Page, "uuid, text, smallint, text, text[], int, int", $"{OneSpace}, 'alice', 1, '', NULL, 10, 100000"),
    ];

    private static readonly string[] Columns = ["k.space_id", "k.principal", "k.device", "k.op_id", "k.entity", "k.record_id"];

    [Fact]
    public async Task A_look_up_by_a_whole_key_uses_the_whole_key()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(Load);
        const string space = "'00000000-0000-0000-0000-000000000001'";
        var plans = new[]
        {
            await PlanAsync(database, "uuid, text", "SELECT role FROM members WHERE space_id = $1 AND principal = $2", $"{space}, 'alice'"),
            await PlanAsync(database, "uuid, text, text[]", ManifestQuery.Sql, $$"""{{space}}, 'alice', '{77}'"""),
        };
        Assert.Equal(
        [
            "pk_members: space_id = $1 AND principal = $2",
            "pk_members: space_id = $1 AND principal = $2; pk_outcomes: space_id = $1 AND principal = $2 AND op_id = k.id",
        ], plans);
    }

    [Theory]
    [InlineData("ANALYZE")]
    [InlineData(Load)]
    public async Task A_pull_looks_up_and_reads_by_positions_in_large_spaces_and_in_empty_tables(string load)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(load);
        foreach (var (isFiltered, isCut) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            var filter = isFiltered ? (Type: ", text[]", Value: ", '{note}'") : (Type: "", Value: "");
            var plan = await PlanAsync(
                database,
                "uuid, text, bigint, bigint, int, int" + filter.Type,
                PullSql.Of(isFiltered, withChecksums: false, isCut),
                "'00000000-0000-0000-0000-000000000001', 'alice', 7, 0, 100, 1000000" + filter.Value);
            Assert.Equal(
            [
                "pk_spaces: space_id = $1",
                "pk_changes: space_id = $1 AND seq >= $3",
                "ux_records_seq: space_id = $1 AND seq > $3",
                "ux_records_seq: space_id = $1 AND seq >= array_aggrecords.seq",
                "pk_changes: space_id = $1 AND seq >= CASE",
            ], plan.Split("; ").Where(used => !used.Contains("members")).Select(used => used.Split(" WHEN")[0].Split('[')[0]));
        }
    }

    [Theory]
    [InlineData("ANALYZE")]
    [InlineData(Load)]
    public async Task Pulls_that_share_a_statement_look_up_and_read_by_positions_in_large_spaces_and_in_empty_tables(string load)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(load);
        const string Space = "'{00000000-0000-0000-0000-000000000001}'";
        Assert.Equal(
        [
            "pk_spaces: space_id = unnest$1",
            "pk_changes: space_id = $5 AND seq >= $8",
            "ux_records_seq: space_id = unnest$1 AND seq > unnest$3 AND seq <= unnest$3 + 1024",
            "pk_changes: space_id = unnest$1 AND seq >= CASE",
        ], (await PlanAsync(
            database,
            "uuid[], text[], bigint[], bigint[], int[], text[], int[], int",
            SharedSql.Pages,
            $"{Space}, '{{alice}}', '{{7}}', '{{0}}', '{{100}}', '{{note}}', '{{0}}', 2000")).Split("; ").Where(used => !used.Contains("members")).Select(used => used.Split(" WHEN")[0]));
    }

    // Members may be found by either of their indexes, because both hold the whole key.
    [Theory]
    [InlineData("ANALYZE")]
    [InlineData(Load)]
    public async Task A_group_of_pushes_looks_everything_up_by_whole_keys_in_large_spaces_and_in_empty_tables(string load)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(load);
        const string Space = "'{00000000-0000-0000-0000-000000000001}', '{alice}'";
        foreach (var sql in new[] { SpaceLoad.Look, SpaceLoad.Wait, SpaceLoad.Skip })
        {
            Assert.Equal(
                "members: space_id = k.space_id AND principal = k.principal; pk_spaces: space_id = m.space_id",
                EitherOfMembers(await PlanAsync(database, "uuid[], text[], smallint[]", sql, $"{Space}, '{{2}}'")));
        }

        Assert.Equal(
        [
            "members: space_id = k.space_id AND principal = k.principal",
            "pk_outcomes: space_id = k.space_id AND principal = k.principal AND op_id = k.op_id",
            "pk_records: space_id = k.space_id AND entity = k.entity AND record_id = k.record_id",
            "ux_conflicts_open: space_id = k.space_id AND entity = k.entity AND record_id = k.record_id",
            "pk_records: space_id = k.space_id AND entity = '$conflict' AND record_id = maxc.conflict_id FILTER WHERE c.principal = k.principal AND c.device = k.device",
        ], EitherOfMembers(await PlanAsync(
            database, "uuid[], text[], text[], text[], text[], text[]", StoredKeys.Stored, $"{Space}, '{{phone}}', '{{77}}', '{{note}}', '{{77}}'")).Split("; "));

        // A plan names a column of the arrays by what it is made of.
        static string EitherOfMembers(string plan) => Columns.Index()
            .Aggregate(plan, static (named, column) => named.Replace($"unnest${column.Index + 1}", column.Item))
            .Replace("ix_members_principal: principal = k.principal AND space_id = k.space_id", "members: space_id = k.space_id AND principal = k.principal")
            .Replace("pk_members", "members");
    }

    [Theory]
    [InlineData("ANALYZE")]
    [InlineData(Load)]
    public async Task Old_outcomes_are_found_in_the_order_of_time_in_large_tables_and_in_empty_ones(string load)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(load);
        Assert.Equal(
            "ix_outcomes_whole: decided_at >= $1 AND decided_at <= $2",
            await PlanAsync(database, "timestamptz, timestamptz", OutcomePurge.Shorten, "'2026-11-20', '2026-11-21'"));
    }

    [Theory]
    [InlineData("ANALYZE")]
    [InlineData(Log)]
    public async Task Changes_of_a_record_are_looked_up_by_their_revisions_and_the_first_one_by_its_position(string load)
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(load);
        var looked = new List<string>();
        foreach (var (sql, types, values) in OfRevisions)
        {
            var lines = await ExplainAsync(database, types, sql, values);
            looked.Add(string.Join("; ", Lookups(lines).Where(used => used.Index is "pk_changes" or "ux_changes_rev")
                .Select(used => $"{used.Index}: {string.Join(' ', Compared().Matches(used.Condition).Select(compared => compared.Groups[1]))}")));
        }

        // A conflict asks for all that the index holds of its record.
        const string Key = "ux_changes_rev: space_id = entity = record_id =";
        const string First = $"pk_changes: space_id = seq =; {Key} rev =";
        Assert.Equal(
        [
            $"{Key} rev >; {First}", $"{Key} rev >; {First}", $"{Key} rev <; {First}", $"{Key} rev =; {First}",
            $"pk_changes: space_id = seq =; {Key} rev =; {First}", Key, Key,
        ], looked);
    }

    [Fact]
    public async Task A_page_of_a_long_history_reads_no_more_than_what_is_on_it()
    {
        await using var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(Log);
        var (sql, types, values) = OfRevisions.Single(asking => asking.Sql == HistoryQuery.Sql);
        var plan = await ExplainAsync(database, types, sql, values, "ANALYZE, TIMING OFF, SUMMARY OFF, ");
        Assert.Equal(["3", "1", "1"], Read().Matches(plan).Select(read => read.Groups[1].Value));
    }

    /// <summary>The indexes of the plan that the server's sessions make, each with what is looked up in it.</summary>
    private static async Task<string> PlanAsync(ScratchDatabase database, string types, string sql, string values)
    {
        var plan = await ExplainAsync(database, types, sql, values);
        // Nothing that is read is sorted; the spaces that are asked for may be.
        Assert.DoesNotMatch(@"Sort Key: (?!unnest\$1)", plan);
        // Nor is an index read whole.
        Assert.DoesNotMatch("Index (Only )?Scan .*\n(?! *Index Cond)", plan);
        return string.Join("; ", Lookups(plan).Select(used => $"{used.Index}: {used.Condition}"));
    }

    private static async Task<string> ExplainAsync(ScratchDatabase database, string types, string sql, string values, string options = "")
    {
        var lines = await database.LinesAsync($"PREPARE looked_up ({types}) AS {sql}; EXPLAIN ({options}COSTS OFF) EXECUTE looked_up ({values})");
        return string.Join('\n', lines).Replace("::text", "").Replace("(", "").Replace(")", "");
    }

    private static IEnumerable<(string Index, string Condition)> Lookups(string plan) =>
        Lookup().Matches(plan).Select(used => (used.Groups[1].Value, used.Groups[2].Value));

    /// <summary>A column of a condition, and how it is compared.</summary>
    [GeneratedRegex("(?:^|AND )(\\w+ [<>=]+)")]
    private static partial Regex Compared();

    /// <summary>Rows that were read of the log.</summary>
    [GeneratedRegex("on changes.* actual rows=(\\d+)")]
    private static partial Regex Read();

    [GeneratedRegex("Index (?:Only )?Scan (?:Backward )?(?:using|on) (\\w+).*\n *Index Cond: (.*)")]
    private static partial Regex Lookup();
}
