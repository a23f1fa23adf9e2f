using Npgsql;

namespace SyncServer.Storage;

/// <summary>
/// Brings the unique keys of every space to order after the server has begun to listen: a space that is still behind is
/// brought to order by whoever writes to it, so nothing waits for this but the first write to a large space.
/// </summary>
internal sealed class UniqueCatchUp(UniqueRegister register, ILogger<UniqueCatchUp> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await register.CatchUpAsync(stoppingToken);
        }
        catch (Exception trouble) when (trouble is NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
        {
            Log.UniqueKeysInterrupted(logger, trouble.GetType().Name);
        }
    }
}
