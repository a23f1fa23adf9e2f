using System.Text;
using SyncServer.Pull;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Pull;

/// <summary>Pulls that come while others are being read share a statement, and nobody can tell.</summary>
public sealed class PullQueueTests
{
    [Fact]
    public async Task Pulls_that_come_while_the_reader_is_busy_share_one_statement_whatever_they_ask_for()
    {
        await using var held = await HeldReader.StartAsync();
        var phones = await WithNotesAsync(held.Server, 20, notes: 3);
        string[] queries = ["", "?limit=2", "?limit=1&entity=note", "?entity=task&entity=note", "?cursor=now"];
        await held.HoldAsync(phones[0]);
        var waits = new List<Task<Answer>>();
        for (var i = 0; i < phones.Length; i++)
        {
            var (phone, query) = (phones[i], queries[i % queries.Length]);
            waits.Add(await held.QueueAsync(() => phone.PullAsync(query)));
        }

        await held.ReleaseAsync();
        Assert.All(await Task.WhenAll(waits), answer => Assert.Equal(200, answer.Status));
        // The first is that of the pull which held the reader.
        Assert.Equal(2, held.Statements);
    }

    [Fact]
    public async Task A_pull_is_answered_with_the_same_bytes_alone_and_in_company()
    {
        await using var held = await HeldReader.StartAsync();
        var phones = await WithNotesAsync(held.Server, 4, notes: 5);
        var (team, space) = await phones[0].SharedAsync();
        await team.BatchAsync(Enumerable.Range(0, 150).Select(i => Op("create", $"{i}", 0, $$"""{"n":{{i}}}""", entity: i % 2 == 0 ? "note" : "task")));
        await phones[1].PushAsync("delete", "2", 1);
        await phones[1].PushAsync("create", "large", 0, $$"""{"body":"{{new string('é', 40_000)}}"}""");
        var asks = new List<(Device Phone, string Query)>();
        foreach (var phone in phones.Concat([team, phones[2].In(space), phones[3].In(NewId())]))
        {
            var cursor = (await phone.PullAsync("?limit=2"))["cursor"];
            asks.AddRange(new[]
            {
                "", "?limit=1", "?limit=5", "?limit=128", "?limit=100&entity=task&entity=$member", "?limit=1000", "?cursor=now", "?checksums=1", $"?cursor={cursor}",
                $"?cursor={cursor}&entity=note",
            }.Select(query => (phone, query)));
        }

        var alone = new List<Answer>();
        foreach (var (phone, query) in asks)
        {
            alone.Add(await phone.PullAsync(query));
        }

        await held.HoldAsync(phones[0]);
        var waits = asks.Select(ask => ask.Phone.PullAsync(ask.Query)).ToList();
        await held.WaitingAsync(45);
        await held.ReleaseAsync();
        Assert.Equal(alone.Select(Said), (await Task.WhenAll(waits)).Select(Said));

        // The trace of a refusal is its request's own.
        static string Said(Answer answer) => answer.Status is 200
            ? $"{answer.Status} {answer.Header("ETag")} {Encoding.UTF8.GetString(answer.Bytes)}"
            : $"{answer.Status} {answer["type"]} {answer["reason"]}";
    }

    [Fact]
    public async Task A_pull_that_fails_fails_alone()
    {
        await using var held = await HeldReader.StartAsync();
        var phones = await WithNotesAsync(held.Server, 6, notes: 1);
        await phones[3].PushAsync(Op("create", "x", 0, "{}", entity: "poison"));
        await held.Database.LinesAsync("""
            ALTER TABLE records RENAME TO stored;
            CREATE VIEW records AS SELECT space_id, entity, record_id, CASE WHEN entity = 'poison' THEN 1 / (rev - rev) ELSE rev END AS rev, seq,
                deleted, data, data_bytes, updated_at, updated_by, op_id FROM stored;
            SELECT ''
            """);
        await held.HoldAsync(phones[0]);
        var waits = new List<Task<Answer>>();
        foreach (var phone in phones)
        {
            waits.Add(await held.QueueAsync(() => phone.PullAsync()));
        }

        await held.ReleaseAsync();
        var answers = await Task.WhenAll(waits);
        Assert.Equal([200, 200, 200, 500, 200, 200], answers.Select(answer => answer.Status));
        Assert.All(answers.Where(answer => answer.Status == 200), answer => Assert.Single(answer.Body["changes"]!.AsArray()));
        Assert.Contains("6 pulls that shared a statement are read one by one: PostgresException", held.Log.All);
    }

    [Fact]
    public async Task A_pull_whose_client_leaves_while_it_waits_is_not_read_and_its_neighbours_are()
    {
        await using var held = await HeldReader.StartAsync();
        var phones = await WithNotesAsync(held.Server, 2, notes: 1);
        var request = await RequestAsync(phones[1]);
        await held.HoldAsync(phones[0]);
        using var gone = new CancellationTokenSource();
        var left = held.Queue.ReadAsync(request, gone.Token);
        var stays = held.Queue.ReadAsync(request, default);
        Assert.Equal(2, held.Queue.Waiting);
        await gone.CancelAsync();
        // At once, whatever the reader does.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await held.ReleaseAsync();
        using var page = await stays;
        Assert.Equal((1, 0), (page!.Changes.Count, held.Queue.Waiting));
        // The reader is idle again.
        Assert.Equal(200, (await phones[0].PullAsync()).Status);
    }

    [Fact]
    public async Task A_pull_whose_client_leaves_while_it_is_read_gets_its_page_and_the_reader_goes_on()
    {
        await using var held = await HeldReader.StartAsync();
        var phone = (await WithNotesAsync(held.Server, 1, notes: 1))[0];
        var request = await RequestAsync(phone);
        using var gone = new CancellationTokenSource();
        await using var hold = await held.LockAsync();
        var left = held.Queue.ReadAsync(request, gone.Token);
        await held.BlockedAsync();
        var behind = await held.QueueAsync(() => phone.PullAsync());
        await gone.CancelAsync();
        await hold.RollbackAsync();
        using var page = await left;
        Assert.Equal((1, 200), (page!.Changes.Count, (await behind).Status));
    }

    [Fact]
    public async Task A_pull_that_waits_too_long_for_a_reader_goes_on_by_itself()
    {
        await using var held = await HeldReader.StartAsync(patience: TimeSpan.FromMilliseconds(1));
        var phones = await WithNotesAsync(held.Server, 2, notes: 1);
        await held.HoldAsync(phones[0]);
        var alone = phones[1].PullAsync();
        await held.BlockedAsync(statements: 2);
        await held.ReleaseAsync();
        Assert.Equal(200, (await alone).Status);
        // What it left behind is in nobody's way.
        Assert.Equal((200, 0), ((await phones[0].PullAsync()).Status, held.Queue.Waiting));
    }

    [Fact]
    public async Task Pulls_that_have_no_bounds_wait_for_no_reader()
    {
        await using var held = await HeldReader.StartAsync();
        var phone = (await WithNotesAsync(held.Server, 1, notes: 1))[0];
        await held.HoldAsync(phone);
        var own = new[] { phone.PullAsync("?checksums=1"), phone.PullAsync("?limit=1000") };
        await held.BlockedAsync(1 + own.Length);
        Assert.Equal(0, held.Queue.Waiting);
        await held.ReleaseAsync();
        Assert.All(await Task.WhenAll(own), answer => Assert.Equal(200, answer.Status));
    }

    /// <summary>For the one note of a device.</summary>
    private static async Task<PullRequest> RequestAsync(Device phone) =>
        new(Guid.Parse(await phone.SpaceIdAsync()), phone.Principal, 0, 0, []) { Limit = 1, BytesMax = 10_000 };

    private static async Task<Device[]> WithNotesAsync(TestServer server, int phones, int notes)
    {
        var all = Enumerable.Range(0, phones).Select(_ => New(server)).ToArray();
        foreach (var phone in all)
        {
            await phone.BatchAsync(Enumerable.Range(0, notes).Select(i => Op("create", $"{i}", 0, $$"""{"n":{{i}}}""")));
        }

        return all;
    }
}
