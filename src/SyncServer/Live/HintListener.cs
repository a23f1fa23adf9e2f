using Npgsql;

namespace SyncServer.Live;

/// <summary>Hears from the other servers which spaces have moved, and wakes whoever waits for them here.</summary>
internal sealed class HintListener(HintChannel channel, SpaceWatches watches, HeadCheck check) : BackgroundService
{
    /// <summary>Silence after which the connection is tried: a line that was cut without a word gives no other sign.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    /// <summary>Seconds in which PostgreSQL answers such a try, or the connection counts as lost.</summary>
    private const int Patience = 5;

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => channel.KeepAsync(ListenAsync, stoppingToken);

    private async Task ListenAsync(NpgsqlConnection connection, CancellationToken stopping)
    {
        connection.Notification += (_, notification) =>
        {
            foreach (var (space, head) in HintPayload.Read(notification.Payload, channel.Speaker))
            {
                watches.Hint(space, head);
            }
        };
        await using var listen = new NpgsqlCommand($"LISTEN {HintChannel.Name}", connection);
        await listen.ExecuteNonQueryAsync(stopping);

        // What was said while nobody listened.
        check.Now();
        await using var alive = new NpgsqlCommand("SELECT 1", connection) { CommandTimeout = Patience };
        while (true)
        {
            if (!await connection.WaitAsync(Silence, stopping))
            {
                await alive.ExecuteNonQueryAsync(stopping);
            }
        }
    }
}
