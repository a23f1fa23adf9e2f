using Microsoft.Extensions.DependencyInjection;
using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Push;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>
/// A server with one worker, which a test can stop in the middle of a group: whatever is pushed meanwhile shares the next
/// group. A record of the entity <c>gate</c> stops it, one of <c>poison</c> makes its plan throw.
/// </summary>
internal sealed class HeldServer : IAsyncDisposable, IOpRule
{
    private readonly SemaphoreSlim _entered = new(0);
    private readonly SemaphoreSlim _released = new(0);
    private Task<Answer>? _gate;

    public TestServer Server { get; private set; } = null!;

    public CommitQueue Queue => Server.App.Services.GetRequiredService<CommitQueue>();

    public static async Task<HeldServer> StartAsync(params string[] settings) =>
        await StartAsync(TestServers.ConnectionString, settings);

    public static async Task<HeldServer> StartAsync(string connectionString, string[] settings)
    {
        var held = new HeldServer();
        held.Server = await TestServer.StartAsync(
            connectionString, builder => builder.Services.AddSingleton<IOpRule>(held), ["--Push:Workers=1", .. settings]);
        return held;
    }

    public IEnumerable<FieldError> Check(OpStep step)
    {
        if (step.Key.Entity == "poison")
        {
            throw new InvalidOperationException("A rule with a bug.");
        }

        if (step.Key.Entity == "gate")
        {
            _entered.Release();
            _released.Wait();
        }

        return [];
    }

    /// <summary>Returns once the worker stands still.</summary>
    public async Task HoldAsync()
    {
        _gate = New(Server).PushAsync(Op("create", NewId(), 0, "{}", entity: "gate"));
        await EnteredAsync();
    }

    /// <summary>Returns once a plan has come to the gate.</summary>
    public async Task EnteredAsync() => Assert.True(await _entered.WaitAsync(Patience.Whole), "No plan came to the gate.");

    /// <summary>Returns once this many ops are in the queue, the one that holds the worker included.</summary>
    public Task QueuedAsync(int ops) => Patience.UntilAsync(() => Queue.Ops == ops, $"{ops} ops are queued");

    /// <summary>Queues the push behind those before it.</summary>
    public async Task<Task<Answer>> QueueAsync(Func<Task<Answer>> push, int ops = 1)
    {
        var before = Queue.Ops;
        var answer = push();
        await QueuedAsync(before + ops);
        return answer;
    }

    /// <summary>Lets the worker go on.</summary>
    public async Task ReleaseAsync()
    {
        _released.Release();
        if (_gate is not null)
        {
            Assert.Equal(201, (await _gate).Status);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _entered.Dispose();
        _released.Dispose();
    }
}
