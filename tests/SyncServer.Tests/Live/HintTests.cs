using Npgsql;
using SyncServer.Live;
using SyncServer.Storage;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Live;

/// <summary>How servers on one database tell each other, and what happens when that is lost.</summary>
public sealed class HintTests
{
    [Fact]
    public async Task A_write_at_one_server_reaches_another_by_a_hint_alone()
    {
        await using var there = await TestServers.StartAsync(LiveServers.NoCheck);
        var phone = New();
        await using var stream = await LiveStream.OpenAsync(phone.Other("tablet", there));
        var cursor = (await stream.EventAsync())!.Id;
        for (var i = 0; i < 20; i++)
        {
            var waiting = phone.Other("watch", there).GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=50"));
            await there.OpenAsync(1, 1);
            await phone.PushAsync("create", $"n{i}", 0, "{}");
            Assert.Equal([$"n{i}"], (await stream.EventAsync())!.Records);
            cursor = (await waiting)["cursor"];
            await there.OpenAsync(1, 0);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hint_that_is_lost_costs_a_moment_and_no_change(bool isSpeaking)
    {
        await using var deaf = await TestServers.StartAsync("--Live:Hints=false");
        var (writer, reader) = isSpeaking ? (TestServers.A, deaf) : (deaf, TestServers.A);
        var phone = New(writer);
        await using var stream = await LiveStream.OpenAsync(phone.Other("tablet", reader), "?cursor=now");
        var cursor = (await stream.EventAsync())!.Id;
        var waiting = phone.Other("tablet", reader).GetAsync($"sync/changes?cursor={cursor}", ("Prefer", "wait=50"));
        await phone.PushAsync("create", "n1", 0, "{}");
        Assert.Equal(["n1"], (await stream.EventAsync())!.Records);
        Assert.Single((await waiting).Body["changes"]!.AsArray());
    }

    [Fact]
    public async Task A_server_whose_sessions_are_killed_hears_and_speaks_again()
    {
        var name = $"live-{Guid.NewGuid():n}";
        var database = new NpgsqlConnectionStringBuilder(TestServers.ConnectionString) { ApplicationName = name }.ConnectionString;
        await using var server = await TestServer.StartAsync(database, LiveServers.NoCheck);
        await using var other = await TestServers.StartAsync(LiveServers.NoCheck);
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        var phone = New(server);
        await using var hears = await LiveStream.OpenAsync(phone, "?cursor=now");
        await hears.EventAsync();
        int[] killed = [];
        for (var round = 0; round < 3; round++)
        {
            killed = [.. killed, .. await SessionsAsync(source, name, but: killed)];
            await using (var kill = source.CreateCommand("SELECT count(pg_terminate_backend(pid)) FROM unnest($1) AS pid"))
            {
                kill.Parameters.Add(new NpgsqlParameter { Value = killed });
                await kill.ExecuteScalarAsync();
            }

            // What is written while nobody listens is found by the check that follows the new connection.
            await phone.Other("tablet", other).PushAsync("create", $"n{round}", 0, "{}");
            Assert.Equal([$"n{round}"], (await hears.EventAsync())!.Records);
        }

        await using var elsewhere = await LiveStream.OpenAsync(phone.Other("desk", other), "?cursor=now");
        await elsewhere.EventAsync();
        var pushed = await phone.PushAsync("create", "last", 0, "{}");
        Assert.Equal(201, pushed.Status);
        Assert.Equal(["last"], (await elsewhere.EventAsync())!.Records);
    }

    [Fact]
    public async Task Noise_on_the_channel_is_no_hint_and_harms_nobody()
    {
        await using var there = await TestServers.StartAsync(LiveServers.NoCheck);
        var phone = New();
        await using var stream = await LiveStream.OpenAsync(phone.Other("tablet", there), "?cursor=now");
        await stream.EventAsync();
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        foreach (var noise in Noise)
        {
            await using var notify = source.CreateCommand($"SELECT pg_notify('{HintChannel.Name}', $1)");
            notify.Parameters.Add(new NpgsqlParameter { Value = noise });
            await notify.ExecuteNonQueryAsync();
        }

        await phone.PushAsync("create", "n1", 0, "{}");
        Assert.Equal(["n1"], (await stream.EventAsync())!.Records);
    }

    [Fact]
    public void Payloads_carry_every_hint_within_their_bound()
    {
        for (var count = 0; count < 1_000; count += 37)
        {
            var heads = Enumerable.Range(0, count).ToDictionary(_ => Guid.NewGuid(), i => i % 2 == 0 ? i : long.MaxValue - i);
            var speaker = Guid.NewGuid();
            var payloads = HintPayload.Write(speaker, heads);
            Assert.All(payloads, payload => Assert.InRange(payload.Length, 1, 7_999));
            Assert.Equal(heads, payloads.SelectMany(payload => HintPayload.Read(payload, Guid.NewGuid())).ToDictionary());
            Assert.Empty(payloads.SelectMany(payload => HintPayload.Read(payload, speaker)));
        }
    }

    [Fact]
    public void What_is_malformed_is_no_hint() =>
        Assert.All(Noise, noise => Assert.Empty(HintPayload.Read(noise, Guid.NewGuid())));

    private static string[] Noise { get; } =
    [
        "", ":", "x", new('0', 32), $"{Guid.NewGuid():N}", $"{Guid.NewGuid():N}:", $"{Guid.NewGuid():N}:x=1", $"{Guid.NewGuid():N}:,,=,",
        $"{Guid.NewGuid():N}:{Guid.NewGuid():N}=", $"{Guid.NewGuid():N}:{Guid.NewGuid():N}=-1", $"{Guid.NewGuid():D}:{Guid.NewGuid():N}=1",
        $"{Guid.NewGuid():N}:{Guid.NewGuid():N}=99999999999999999999", $"{new string('z', 32)}:{Guid.NewGuid():N}=1",
    ];

    /// <summary>The sessions by which the server speaks and hears, once there are others than <paramref name="but"/>.</summary>
    private static async Task<int[]> SessionsAsync(NpgsqlDataSource source, string name, int[] but)
    {
        int[] sessions = [];
        await Patience.UntilAsync(async () =>
        {
            await using var find = source.CreateCommand(
                "SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> ALL ($2)");
            find.Parameters.Add(new NpgsqlParameter { Value = name + DataSource.OwnSession });
            find.Parameters.Add(new NpgsqlParameter { Value = but });
            sessions = await find.ExecuteScalarAsync() as int[] ?? [];
            return sessions.Length > 0;
        }, "there are sessions by which the server speaks and hears");
        return sessions;
    }
}
