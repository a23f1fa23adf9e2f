using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Live;

/// <summary>
/// The connections by which this process speaks to the others and hears them: each one of its own, so that neither waits
/// for the pool that requests share.
/// </summary>
internal sealed class HintChannel(
    [FromKeyedServices(StorageSetup.Unpooled)] NpgsqlDataSource source, IOptions<LiveOptions> options, TimeProvider clock, ILogger<HintChannel> logger)
{
    /// <summary>The channel of LISTEN and NOTIFY in this database.</summary>
    public const string Name = "syncserver_heads";

    /// <summary>Before the first try again: a restarted PostgreSQL is away for longer, a lost session is not.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Between two tries at most. The check of heads stands in meanwhile.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Who speaks: what a process hears of itself it knows already.</summary>
    public Guid Speaker { get; } = Guid.NewGuid();

    /// <summary>Whether there is anything to say or hear.</summary>
    public bool IsOpen => options.Value.Hints;

    /// <summary>
    /// Runs <paramref name="work"/> on a connection until the server stops. Whatever ends it, a lost connection or a bug,
    /// costs latency and no data, so it is told, and begun again on another connection.
    /// </summary>
    public async Task KeepAsync(Func<NpgsqlConnection, CancellationToken, Task> work, CancellationToken stopping)
    {
        var pause = FirstPause;
        while (IsOpen && !stopping.IsCancellationRequested)
        {
            var begun = clock.GetTimestamp();
            try
            {
                await using var connection = await source.OpenConnectionAsync(stopping);
                await work(connection, stopping);
            }
            catch (Exception failure) when (!stopping.IsCancellationRequested)
            {
                Log.HintsInterrupted(logger, Unavailability.CauseOf(failure) ?? failure.GetType().Name);
            }

            pause = clock.GetElapsedTime(begun) > LongestPause ? FirstPause : pause;
            await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }
}
