using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Retention;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;

namespace SyncServer.Tests.Retention;

/// <summary>How rounds get over spaces that cannot be purged now.</summary>
[Collection(RetentionServersCollection.Name)]
public sealed class RoundTests(RetentionServers servers)
{
    private const string Whole = "SELECT count(*)::text FROM outcomes WHERE space_id = $space AND body IS NOT NULL";

    [Fact]
    public async Task A_space_that_somebody_holds_is_purged_later_and_keeps_nobody_from_the_others()
    {
        await using var hasty = await servers.StartAsync("--Database:LockTimeout=00:00:00.100");
        var (held, free) = (servers.New(), servers.New());
        await held.PushAsync("create", "n", 0, "{}");
        await free.PushAsync("create", "n", 0, "{}");
        servers.Wait(2);

        await using var holder = new NpgsqlConnection(servers.ConnectionString);
        await holder.OpenAsync();
        await using (var hold = await holder.BeginTransactionAsync())
        {
            await using var take = new NpgsqlCommand("SELECT FROM spaces WHERE space_id = $1 FOR UPDATE", holder);
            take.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(await servers.SpaceIdAsync(held)) });
            await take.ExecuteNonQueryAsync();
            await RetentionServers.PurgeAsync(hasty);
            Assert.Equal(["1", "0"], [.. await servers.LinesAsync(held, Whole), .. await servers.LinesAsync(free, Whole)]);
        }

        await RetentionServers.PurgeAsync(hasty);
        Assert.Equal(["0"], await servers.LinesAsync(held, Whole));
    }

    [Fact]
    public async Task A_round_over_a_space_that_is_erased_meanwhile_leaves_nothing_behind()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        var space = Guid.Parse(await servers.SpaceIdAsync(phone));
        Assert.Equal(204, (await phone.EraseSpaceAsync("me")).Status);
        servers.Wait(100);
        var purge = servers.A.App.Services.GetRequiredService<SpacePurge>();
        var cutoffs = new Core.Retention.Cutoffs(DateTimeOffset.MaxValue, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue);
        Assert.Equal(default, await purge.LogAsync(space, cutoffs, default));
        Assert.Equal(default, await purge.RestAsync(space, cutoffs, default));
    }

    [Fact]
    public async Task A_server_purges_by_itself()
    {
        await using var server = await servers.StartAsync("--Sync:Retention:Interval=00:00:00.050");
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, "{}");
        servers.Wait(2);
        for (var left = DateTime.UtcNow.AddSeconds(30); (await servers.LinesAsync(phone, Whole))[0] != "0"; await Task.Yield())
        {
            Assert.True(DateTime.UtcNow < left, "Nothing was purged.");
        }
    }
}
