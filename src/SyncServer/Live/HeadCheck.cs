using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Http;

namespace SyncServer.Live;

/// <summary>
/// Asks the database, about once a second, where the spaces are that somebody here waits for: whatever became of a hint, a
/// write is seen within two seconds. One statement asks for all of them, and where nobody waits, none.
/// </summary>
internal sealed class HeadCheck(
    SpaceWatches watches, NpgsqlDataSource source, IOptions<LiveOptions> options, ILogger<HeadCheck> logger) : BackgroundService
{
    /// <summary>Before a check that failed is tried again, however rare checks are: somebody may have asked for it.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _asked = new(0);
    private bool _isFailing;

    /// <summary>Has the heads checked without waiting for the next round.</summary>
    public void Now() => _asked.Release();

    /// <inheritdoc />
    public override void Dispose()
    {
        _asked.Dispose();
        base.Dispose();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var interval = options.Value.CheckInterval;
            await _asked.WaitAsync(_isFailing && interval > Retry ? Retry : interval, stoppingToken);
            try
            {
                await CheckAsync(watches.Spaces(), stoppingToken);
                _isFailing = false;
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // Told once per outage, and tried again.
                if (!_isFailing)
                {
                    Log.HeadsNotChecked(logger, Unavailability.CauseOf(failure) ?? failure.GetType().Name);
                }

                _isFailing = true;
            }
        }
    }

    private async Task CheckAsync(Guid[] spaces, CancellationToken cancellation)
    {
        if (spaces.Length == 0)
        {
            return;
        }

        await using var command = source.CreateCommand("SELECT space_id, head FROM spaces WHERE space_id = ANY ($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = spaces });
        var gone = spaces.ToHashSet();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            var space = reader.GetGuid(0);
            gone.Remove(space);
            watches.Check(space, reader.GetInt64(1));
        }

        foreach (var space in gone)
        {
            watches.Check(space, head: null);
        }
    }
}
