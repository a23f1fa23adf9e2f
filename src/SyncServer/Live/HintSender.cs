using System.Threading.Channels;
using Npgsql;
using SyncServer.Storage;

namespace SyncServer.Live;

/// <summary>
/// Tells the other servers which spaces have moved. One statement at a time carries whatever has gathered, the newest head of
/// each space, outside of every transaction that writes: NOTIFY makes commits wait for each other.
/// </summary>
internal sealed class HintSender : BackgroundService
{
    // Not waiting for the disk: a hint that a crash takes away is a hint about a time before the crash.
    private const string Sql = $"""
        SELECT set_config('synchronous_commit', 'off', true), pg_notify('{HintChannel.Name}', payload) FROM unnest($1) AS payload
        """;

    /// <summary>Spaces that may wait to be told of while the connection is away; about 10 MB. What is beyond is not told.</summary>
    private const int MostWaiting = 100_000;

    /// <summary>
    /// Between two statements, so that a busy server sends at most forty per second, and one at rest at once. Each of them costs the
    /// sender, PostgreSQL and everybody who listens; the streams that it wakes gather for nearly as long.
    /// </summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    private readonly Channel<bool> _gathered = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Lock _gate = new();
    private readonly HintChannel _channel;
    private Dictionary<Guid, long> _heads = [];

    public HintSender(HintChannel channel, SpaceHeads heads)
    {
        _channel = channel;
        if (channel.IsOpen)
        {
            heads.Listen(Add);
        }
    }

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _channel.KeepAsync(SendAsync, stoppingToken);

    private async Task SendAsync(NpgsqlConnection connection, CancellationToken stopping)
    {
        await using var notify = new NpgsqlCommand(Sql, connection);
        var payloads = notify.Parameters.Add(new NpgsqlParameter<string[]>());
        while (await _gathered.Reader.ReadAsync(stopping))
        {
            var heads = Take();
            try
            {
                payloads.Value = HintPayload.Write(_channel.Speaker, heads).ToArray();
                await notify.ExecuteNonQueryAsync(stopping);
            }
            catch (NpgsqlException)
            {
                // The next connection sends them again; who has heard them already is told nothing new.
                foreach (var (space, head) in heads)
                {
                    Add(space, head);
                }

                throw;
            }

            await Task.Delay(Pause, stopping);
        }
    }

    private void Add(Guid spaceId, long head)
    {
        lock (_gate)
        {
            if (_heads.TryGetValue(spaceId, out var known) || _heads.Count < MostWaiting)
            {
                _heads[spaceId] = Math.Max(known, head);
            }
        }

        _gathered.Writer.TryWrite(true);
    }

    private Dictionary<Guid, long> Take()
    {
        lock (_gate)
        {
            var taken = _heads;
            _heads = [];
            return taken;
        }
    }
}
