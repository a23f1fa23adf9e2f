using System.Globalization;
using Npgsql;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Pull;

/// <summary>Committed means visible, and nothing is ever skipped: whoever writes, wherever, however they interleave.</summary>
public sealed class RaceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_writer_whose_transaction_stays_open_makes_no_pull_skip_anything(bool twoServers)
    {
        // Not at the server that trusts at once: what it writes without the lock gives up soon, and the space is the second's to take.
        var first = New(TestServers.B);
        var second = first.Other("tablet", twoServers ? TestServers.A : TestServers.B);
        await first.PushAsync("create", NewId(), 0, "{}");
        var (_, cursor) = await second.PullAllAsync();

        // An uncommitted row under the same key holds the first writer inside its transaction, with its changes written.
        var space = await PullTests.SpaceIdAsync(first);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var blocker = await source.OpenConnectionAsync();
        await using var hold = await blocker.BeginTransactionAsync();
        await ExecuteAsync(blocker, """
            INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, entity, decided_at)
            VALUES ($1, $2, 'held', '', 1, 200, 'note', '2026-01-01Z')
            """, space, first.Principal);
        var held = first.PushAsync(Op("create", NewId(), 0, "{}", opId: "held"));
        await UntilAsync(source, "SELECT count(*) FROM pg_locks WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid))", blocker.ProcessID, 1);

        var waiting = second.PushAsync("create", NewId(), 0, "{}");
        var elsewhere = await New(twoServers ? TestServers.A : TestServers.B).PushAsync("create", NewId(), 0, "{}");
        var during = await second.PullAsync($"?cursor={cursor}");
        Assert.Equal(201, elsewhere.Status);
        Assert.Equal((0, cursor), (during.Body["changes"]!.AsArray().Count, during["cursor"]));
        Assert.False(held.IsCompleted || waiting.IsCompleted);

        await hold.RollbackAsync();
        Assert.Equal((201, 201), ((await held).Status, (await waiting).Status));
        var (seen, _) = await second.PullAllAsync(during["cursor"]);
        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task Pulls_during_many_writers_at_two_servers_see_every_change_once_and_in_order()
    {
        const int Writers = 6, Ops = 25;
        var reader = New();
        await reader.PullAsync();
        var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var device = reader.Other($"w{writer}", writer % 2 == 0 ? TestServers.A : TestServers.B);
            for (var i = 0; i < Ops; i++)
            {
                Assert.Equal(201, (await device.PushAsync("create", $"{writer}-{i}", 0, "{}")).Status);
            }
        }));

        var seen = new List<string>();
        string? cursor = null;
        bool ended;
        do
        {
            // Asked before the pull, so that the last round starts after the last commit.
            ended = writing.IsCompleted;
            var server = seen.Count % 2 == 0 ? TestServers.A : TestServers.B;
            var (changes, next) = await reader.Other("reader", server).PullAllAsync(cursor, limit: 7);
            seen.AddRange(changes.Select(change => change["id"]!.ToString()));
            cursor = next;
        }
        while (!ended);
        await writing;

        Assert.Equal(Writers * Ops, seen.Count);
        Assert.Equal(Writers * Ops, seen.Distinct().Count());
        Assert.All(Enumerable.Range(0, Writers), writer => Assert.Equal(
            Enumerable.Range(0, Ops),
            seen.Where(id => id.StartsWith($"{writer}-", StringComparison.Ordinal)).Select(id => int.Parse(id.Split('-')[1], CultureInfo.InvariantCulture))));
    }

    [Fact]
    public async Task The_log_of_a_space_has_no_gaps_after_concurrent_writes_and_conflicts()
    {
        var phone = New();
        var id = NewId();
        await phone.PushAsync("create", id, 0, """{"title":"a"}""");
        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => phone
            .Other($"d{i}", i % 2 == 0 ? TestServers.A : TestServers.B)
            .PushAsync("update", id, 1, $$"""{"title":"{{i}}"}""")));

        var space = await PullTests.SpaceIdAsync(phone);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("""
            SELECT s.head, count(*), min(seq), max(seq), max(rev) FILTER (WHERE entity = 'note')
            FROM spaces s JOIN changes USING (space_id) WHERE space_id = $1 GROUP BY s.head
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = space });
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());

        // One create, one accepted edit, eleven conflicts.
        Assert.Equal((13L, 13L, 1L, 13L, 2L),
            (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4)));
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(values.Select(value => new NpgsqlParameter { Value = value }).ToArray());
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Returns as soon as the figure is reached.</summary>
    private static Task UntilAsync(NpgsqlDataSource source, string sql, object value, long figure) => Patience.UntilAsync(async () =>
    {
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = value });
        return (long)(await command.ExecuteScalarAsync())! >= figure;
    }, "the writer waits");
}
