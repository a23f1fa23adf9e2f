using Microsoft.Extensions.DependencyInjection;
using SyncServer.Core;
using SyncServer.Core.Retention;
using SyncServer.Retention;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;

namespace SyncServer.Tests.Retention;

/// <summary>
/// Two servers on a database of their own, by a clock that tests move. Whole outcomes are kept for an hour, tombstones for two
/// and the log for three; rounds run when a test says so.
/// </summary>
public sealed class RetentionServers : IAsyncLifetime
{
    private readonly MovedClock _clock = new();
    private ScratchDatabase _database = null!;

    public TestServer A { get; private set; } = null!;

    /// <summary>Another instance on the same database.</summary>
    public TestServer B { get; private set; } = null!;

    /// <summary>A device of somebody new.</summary>
    public Device New() => Device.New(A);

    public async Task InitializeAsync()
    {
        _database = await ScratchDatabase.CreateAsync();
        A = await StartAsync();
        B = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await A.DisposeAsync();
        await B.DisposeAsync();
        await _database.DisposeAsync();
    }

    /// <summary>A further instance, for the test to dispose.</summary>
    public Task<TestServer> StartAsync(params string[] settings) => TestServer.StartAsync(
        _database.ConnectionString,
        builder => builder.Services.AddSingleton<TimeProvider>(_clock),
        [
            "--Sync:IdempotencyRetention=01:00:00", "--Sync:TombstoneRetention=02:00:00", "--Sync:HistoryRetention=03:00:00",
            "--Sync:Retention:Interval=00:00:00",
            // The database has no such clock.
            "--Sync:Retention:ClockTolerance=36500.00:00:00", .. settings,
        ]);

    /// <summary>So much later everything is purged that is due by then.</summary>
    public async Task LaterAsync(double hours)
    {
        Wait(hours);
        await PurgeAsync(A);
    }

    /// <summary>It is so much later, and nothing was purged yet.</summary>
    public void Wait(double hours) => _clock.Move(TimeSpan.FromHours(hours));

    /// <summary>Goes over all spaces once, at least.</summary>
    public static async Task PurgeAsync(TestServer server)
    {
        // A server begins anywhere: the first round may end at the last space, and the second begins at the first one.
        for (var round = 0; round < 2; round++)
        {
            await server.App.Services.GetRequiredService<RetentionRound>().RunAsync(default);
        }
    }

    /// <summary>Whether a round would visit the space.</summary>
    internal async Task<bool> IsDueAsync(Device device)
    {
        var (services, space) = (A.App.Services, Guid.Parse(await SpaceIdAsync(device)));
        var cutoffs = Cutoffs.At(_clock.GetUtcNow(), services.GetRequiredService<Retentions>());
        var look = await services.GetRequiredService<DueSpaces>().ReadAsync(Guid.Empty, cutoffs, default);
        return look.Single(each => each.SpaceId == space).IsDue;
    }

    /// <summary>The first column of what a query says of one space, <c>$space</c> in it.</summary>
    public async Task<string[]> LinesAsync(Device device, string sql) =>
        await _database.LinesAsync(sql.Replace("$space", $"'{await SpaceIdAsync(device)}'", StringComparison.Ordinal));

    public string ConnectionString => _database.ConnectionString;

    /// <summary>The id of the personal space of a device's principal.</summary>
    public async Task<string> SpaceIdAsync(Device device) =>
        (await _database.LinesAsync($"SELECT space_id::text FROM accounts WHERE principal = '{device.Principal}'"))[0];

    private sealed class MovedClock : TimeProvider
    {
        private long _ticks;

        public void Move(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _ticks));
    }
}

/// <summary>The tests that share <see cref="RetentionServers"/>, one after another, because they share its clock.</summary>
[CollectionDefinition(Name)]
public sealed class RetentionServersCollection : ICollectionFixture<RetentionServers>
{
    public const string Name = "servers with short retentions";
}
