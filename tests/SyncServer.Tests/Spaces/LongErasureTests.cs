using Npgsql;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Spaces;

/// <summary>Protocol 2: a space of any size is erased at once, as seen from outside.</summary>
public sealed class LongErasureTests
{
    [Fact]
    public async Task An_erasure_outlasts_the_timeout_of_other_statements_and_until_it_is_done_nothing_is_gone()
    {
        await using var server = await TestServers.StartAsync("--Database:StatementTimeout=00:00:03");
        var phone = New(server);
        await phone.PushAsync("create", "n", 0, "{}");
        var space = await Pull.PullTests.SpaceIdAsync(phone);
        var before = await SpaceRequests.RowsAsync(space.ToString());

        // Somebody who holds one of its rows makes the erasure as long as it takes.
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var holder = await source.OpenConnectionAsync();
        await using var hold = await holder.BeginTransactionAsync();
        await using var take = new NpgsqlCommand("SELECT FROM records WHERE space_id = $1 FOR UPDATE", holder);
        take.Parameters.Add(new NpgsqlParameter { Value = space });
        await take.ExecuteNonQueryAsync();
        var erasing = phone.EraseSpaceAsync("me");
        await UntilAsync(source, holder.ProcessID);

        Assert.False(erasing.IsCompleted);
        Assert.Equal(before, await SpaceRequests.RowsAsync(space.ToString()));
        var elsewhere = await New(server).PushAsync("create", "n", 0, "{}");
        Assert.Equal(201, elsewhere.Status);
        await hold.RollbackAsync();
        Assert.Equal(204, (await erasing).Status);
        Assert.All((await SpaceRequests.RowsAsync(space.ToString())).Values, rows => Assert.Equal(0, rows));
    }

    /// <summary>Returns as soon as somebody has waited for the holder longer than other statements may run.</summary>
    private static Task UntilAsync(NpgsqlDataSource source, int holder) => Patience.UntilAsync(async () =>
    {
        await using var command = source.CreateCommand("""
            SELECT count(*) FROM pg_stat_activity
            WHERE $1 = ANY (pg_blocking_pids(pid)) AND clock_timestamp() - query_start > interval '4 seconds'
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = holder });
        return (long)(await command.ExecuteScalarAsync())! > 0;
    }, "the erasure has waited so long");
}
