using Npgsql;

namespace SyncServer.Storage;

/// <summary>
/// Looks at the epoch once a second, for what a new connection would not show: an epoch that an operator or another server
/// began.
/// </summary>
internal sealed class EpochWatch(NpgsqlDataSource source, ServerIdentity identity, TimeProvider time) : BackgroundService
{
    /// <summary>For so long a server may go on under an epoch that is over. One read of one row costs next to nothing.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(stoppingToken);
                await identity.LookAsync(connection, stoppingToken);
            }
            catch (Exception trouble) when (trouble is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                // Requests and probes meet the same trouble and tell of it; the next look comes in a second.
            }
        }
    }
}
