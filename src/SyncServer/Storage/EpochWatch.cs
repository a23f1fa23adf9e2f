using Npgsql;

namespace SyncServer.Storage;

/// <summary>
/// Looks at the epoch once a second, for what a new connection would not show: an epoch that an operator or another server
/// began.
/// </summary>
internal sealed class EpochWatch(NpgsqlDataSource source, ServerIdentity identity, TimeProvider time, ILogger<EpochWatch> logger) : BackgroundService
{
    /// <summary>For so long a server may go on under an epoch that is over. One read of one row costs next to nothing.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isFailing = false;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(stoppingToken);
                await identity.LookAsync(connection, stoppingToken);
                isFailing = false;
            }
            catch (Exception trouble) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is, it must not end the server. Told once per outage; the next look comes in a second.
                if (!isFailing)
                {
                    logger.EpochNotWatched((trouble as PostgresException)?.SqlState ?? trouble.GetType().Name);
                }

                isFailing = true;
            }
        }
    }
}
