namespace SyncServer.Retention;

/// <summary>A round every interval for as long as the server runs. A round that fails costs nothing but time: the next one finds the same.</summary>
internal sealed class RetentionJob(RetentionRound round, RetentionOptions options, TimeProvider clock) : BackgroundService
{
    /// <summary>The share of an interval that is random, so that servers which were started together do not meet at the same spaces.</summary>
    private const double Jitter = 0.5;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (options.Interval > TimeSpan.Zero)
        {
            await Task.Delay(options.Interval * (1 - (Jitter / 2) + (Jitter * Random.Shared.NextDouble())), clock, stoppingToken);
            await round.TryRunAsync(stoppingToken);
        }
    }
}
