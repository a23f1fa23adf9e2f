using System.Globalization;
using System.Text;
using Npgsql;
using SyncServer.Pull;
using SyncServer.Storage;
using SyncServer.Tests.Storage;

namespace SyncServer.Tests.Pull;

/// <summary>A page that was read with others is the page that a statement of its own comes to, or is none.</summary>
public sealed class SharedPagesTests
{
    private const int Whole = 1024 * 1024;

    // By name: how many records, how far apart, of which size, and what is deleted, purged or named in a way that takes escapes.
    private const string Load = """
        CREATE FUNCTION space(name text) RETURNS uuid LANGUAGE sql AS $$
            SELECT ('00000000-0000-0000-0000-' || rpad(encode(name::bytea, 'hex'), 12, '0'))::uuid $$;
        CREATE FUNCTION put(name text, seq bigint, bytes int, gone boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
            INSERT INTO records VALUES (space(name), CASE WHEN seq % 3 = 0 THEN 'task' ELSE 'note' END, 'r' || seq, 1 + seq % 4, seq, gone,
                json_build_object('v', repeat('x', bytes - 10)), bytes, '2026-11-20T10:15:00Z', CASE WHEN seq % 5 = 0 THEN 'Grüße"' ELSE 'alice' END, 'op\"' || seq)
            RETURNING '' $$;
        INSERT INTO spaces (space_id, head, personal, created_at, tombstone_horizon, history_horizon, figures)
            SELECT space(name), head, false, now(), tombstones, history, '{}'::json
            FROM (VALUES ('small', 300, 0, 0), ('gaps', 3200, 5, 3), ('large', 40, 0, 0), ('empty', 0, 0, 0), ('deleted', 50, 0, 0), ('heavy', 200, 0, 0),
                ('far', 1025, 0, 0), ('near', 1024, 0, 0)) AS s(name, head, tombstones, history);
        INSERT INTO members SELECT space_id, 'alice', 1 FROM spaces;
        INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, at, tag, bytes)
            SELECT space_id, n, 'note', 'r' || n, 1, 1, 'op' || n, 'alice', '', now(), 1000 + n, 0 FROM spaces, generate_series(history_horizon + 1, head) AS n;
        SELECT put('small', n, 30 + n, n % 7 = 0) FROM generate_series(1, 300) AS n;
        SELECT put('gaps', n, 30) FROM generate_series(1, 3200) AS n WHERE n <= 10 OR n BETWEEN 1100 AND 1110 OR n >= 3000;
        SELECT put('large', n, CASE WHEN n % 5 = 0 THEN 20000 WHEN n % 9 = 0 THEN 6000 ELSE 100 END) FROM generate_series(1, 40) AS n;
        SELECT put('deleted', n, 30, true) FROM generate_series(1, 50) AS n;
        SELECT put('heavy', n, 8000) FROM generate_series(1, 200) AS n;
        SELECT put('far', 1, 30), put('near', 1, 30)
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_page_that_was_read_with_others_is_the_page_that_is_read_alone(int seed)
    {
        await using var database = await LoadedAsync();
        await using var source = database.Open();
        var (alone, shared, random) = (new PullQuery(source), new SharedPages(source), new Random(seed));
        var (all, read) = (0, 0);
        while (all < 500)
        {
            var bytes = random.Next(4) == 0 ? 3000 : Whole;
            var pulls = Enumerable.Range(0, 1 + random.Next(PullQueue.GroupPulls)).Select(_ => new PendingPull(Any(random, bytes), default)).ToArray();
            await shared.ReadAsync(pulls);
            foreach (var pull in pulls.Where(pull => pull.IsRead))
            {
                using var page = await alone.ReadAsync(pull.Request, default);
                Assert.Equal($"{pull.Request} {Said(page)}", $"{pull.Request} {Said(pull.Page)}");
                pull.Page?.Dispose();
                read++;
            }

            all += pulls.Length;
        }

        // Most fit, and some do not.
        Assert.InRange(read, all / 2, all * 19 / 20);
    }

    [Fact]
    public async Task What_a_shared_page_may_have_is_bounded()
    {
        // The space, the changes and the bytes that are asked for, how many ask, and whether they share.
        (string Space, int Limit, int Bytes, int Pulls, bool IsRead)[] cases =
        [
            ("small", 100, Whole, 1, true),
            ("small", SharedPages.Changes, Whole, 64, true),
            ("small", SharedPages.Changes + 1, Whole, 64, false),
            ("small", 100, 20_000, 64, false),
            ("large", 4, Whole, 64, true),
            ("large", 5, Whole, 64, false),
            ("large", 5, Whole, 1, false),
            ("heavy", 100, Whole, 16, true),
            ("heavy", 100, Whole, 17, false),
            ("heavy", SharedPages.Changes, Whole, 1, false),
            ("near", 100, Whole, 64, true),
            ("far", 100, Whole, 64, false),
            ("empty", 1000, Whole, 64, true),
            ("unknown", 1000, Whole, 64, true),
        ];
        await using var database = await LoadedAsync();
        await using var source = database.Open();
        foreach (var asked in cases)
        {
            var group = Enumerable.Range(0, asked.Pulls).Select(_ => new PendingPull(Request(asked.Space, 0, asked.Limit, asked.Bytes), default)).ToArray();
            await new SharedPages(source).ReadAsync(group);
            Assert.All(group, pull => Assert.Equal((asked, asked.IsRead), (asked, pull.IsRead)));
            Assert.All(group, pull => pull.Page?.Dispose());
        }
    }

    [Fact]
    public async Task A_page_is_as_large_as_the_database_adds_it_up()
    {
        await using var database = await LoadedAsync();
        await using var source = database.Open();
        foreach (var space in new[] { "small", "large", "deleted" })
        {
            using var page = await new PullQuery(source).ReadAsync(Request(space, 0, 1000, Whole) with { Floor = 0 }, default);
            Assert.Equal(
                [page!.Changes.Size.ToString(CultureInfo.InvariantCulture)],
                await database.LinesAsync($"SELECT sum({SpaceRows.EnvelopeSize})::text FROM records WHERE space_id = space('{space}')"));
        }
    }

    private static async Task<ScratchDatabase> LoadedAsync()
    {
        var database = await ScratchDatabase.MigratedAsync();
        await database.LinesAsync(Load);
        return database;
    }

    private static PullRequest Any(Random random, int bytes)
    {
        string[] spaces = ["small", "gaps", "large", "empty", "deleted", "heavy", "far", "near", "unknown"];
        long?[] positions = [null, 0, 0, 1, 4, 7, 149, 1099, 1102, 2999, 3200, 5000];
        string[][] filters = [[], [], ["note"], ["task", "list"], ["list"]];
        return Request(spaces[random.Next(spaces.Length)], positions[random.Next(positions.Length)], ((int[])[1, 2, 5, 100, 128, 129, 1000])[random.Next(7)], bytes) with
        {
            Principal = random.Next(8) == 0 ? "nobody" : "alice",
            Floor = ((long?[])[0, 0, null, 60])[random.Next(4)],
            Entities = filters[random.Next(filters.Length)],
        };
    }

    private static PullRequest Request(string space, long? after, int limit, int bytes) =>
        new(Guid.Parse("00000000-0000-0000-0000-" + Convert.ToHexString(Encoding.UTF8.GetBytes(space)).PadRight(12, '0')[..12]), "alice", after, null, [])
        {
            Limit = limit,
            BytesMax = bytes,
        };

    private static string Said(PullPage? page) => page is null
        ? "none"
        : $"{page.Head} {page.Horizon} {page.Role} {page.TagAtPosition} {page.HasMore} {page.Next} {page.NextTag} {page.Changes.Count} {Encoding.UTF8.GetString(page.Changes.Json.Span)}";
}
