namespace SyncServer.Storage.Embedded;

/// <summary>
/// Starts a cluster again that ended by itself: whoever killed it, no server has to be restarted for it. Requests are 503
/// meanwhile. Several servers may keep one cluster; whichever starts it first is the one, and the others find it running.
/// </summary>
internal sealed class ClusterKeeper : IAsyncDisposable
{
    /// <summary>A look is a file and a process id, so it may be frequent; clients that get 503 come back after about as long.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Cluster cluster;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private readonly Task keeping;

    public ClusterKeeper(Cluster cluster, ILogger logger)
    {
        (this.cluster, this.logger) = (cluster, logger);
        keeping = KeepAsync(stopping.Token);
    }

    /// <summary>Nothing is started any more afterwards; what runs is left running.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    private async Task KeepAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(LookInterval);
        while (await timer.WaitForNextTickAsync(ct))
        {
            try
            {
                if (!await cluster.IsRunningAsync(ct))
                {
                    Log.EmbeddedPostgresLost(logger, cluster.Path);
                    await cluster.RunAsync(ct);
                    Log.EmbeddedPostgresBack(logger, cluster.Path);
                }
            }
            catch (Exception trouble) when (trouble is EmbeddedPostgresException or IOException or UnauthorizedAccessException)
            {
                // Perhaps a full disk: the reason is in the log, and the next look tries again.
                Log.EmbeddedPostgresNotBack(logger, cluster.Path, trouble.Message);
            }
        }
    }
}
