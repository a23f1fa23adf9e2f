using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using SyncServer.Pull;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using Lines = SyncServer.Tests.Accounts.Lines;

namespace SyncServer.Tests.Pull;

/// <summary>
/// A server with one reader on a database of its own, where a lock can stop it in the middle of a statement: whatever is pulled
/// meanwhile shares the next.
/// </summary>
internal sealed class HeldReader : IAsyncDisposable
{
    private NpgsqlDataSource _source = null!;
    private NpgsqlConnection _blocker = null!;
    private NpgsqlTransaction? _hold;
    private Task<Answer>? _first;

    public ScratchDatabase Database { get; private set; } = null!;

    public TestServer Server { get; private set; } = null!;

    public Lines Log { get; } = new();

    public PullQueue Queue => Server.App.Services.GetRequiredService<PullQueue>();

    /// <summary>How many shared statements were carried out since the reader was held.</summary>
    public int Statements => Log.All.Count(static line => line.Contains(SharedSql.Pages, StringComparison.Ordinal));

    public static async Task<HeldReader> StartAsync(TimeSpan? patience = null)
    {
        var held = new HeldReader { Database = await ScratchDatabase.MigratedAsync() };
        held.Server = await TestServer.StartAsync(
            held.Database.ConnectionString,
            builder => builder.Logging.AddProvider(held.Log),
            "--Pull:Readers=1", $"--Pull:Patience={patience ?? TimeSpan.FromHours(1)}", "--Logging:LogLevel:Npgsql.Command=Information");
        held._source = NpgsqlDataSource.Create(held.Database.ConnectionString);
        held._blocker = await held._source.OpenConnectionAsync();
        return held;
    }

    /// <summary>Returns once the reader stands still, with a pull of the device.</summary>
    public async Task HoldAsync(Device device)
    {
        _hold = await LockAsync();
        Log.All.Clear();
        _first = device.PullAsync();
        await BlockedAsync();
    }

    /// <summary>Nobody reads changes until the transaction ends.</summary>
    public async Task<NpgsqlTransaction> LockAsync()
    {
        var hold = await _blocker.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("LOCK TABLE changes IN ACCESS EXCLUSIVE MODE", _blocker);
        await command.ExecuteNonQueryAsync();
        return hold;
    }

    /// <summary>Returns once this many statements wait for the lock.</summary>
    public Task BlockedAsync(int statements = 1) => Patience.UntilAsync(async () =>
    {
        await using var command = _source.CreateCommand("SELECT count(*) FROM pg_locks WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid))");
        command.Parameters.Add(new NpgsqlParameter { Value = _blocker.ProcessID });
        return (long)(await command.ExecuteScalarAsync())! == statements;
    }, $"{statements} statements wait");

    /// <summary>Returns once at least this many pulls wait for the reader.</summary>
    public Task WaitingAsync(int pulls) => Patience.UntilAsync(() => Queue.Waiting >= pulls, $"{pulls} pulls wait");

    /// <summary>Queues the pull behind those before it.</summary>
    public async Task<Task<Answer>> QueueAsync(Func<Task<Answer>> pull)
    {
        var before = Queue.Waiting;
        var answer = pull();
        await WaitingAsync(before + 1);
        return answer;
    }

    /// <summary>Lets the reader go on.</summary>
    public async Task ReleaseAsync()
    {
        await _hold!.RollbackAsync();
        Assert.Equal(200, (await _first!).Status);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await _blocker.DisposeAsync();
        await _source.DisposeAsync();
        await Database.DisposeAsync();
        Log.Dispose();
    }
}
