using Microsoft.Extensions.Options;
using SyncServer.Live;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>Reads pages for streams and waits.</summary>
internal sealed class WatchedPages(PullPages pages, IOptions<DatabaseOptions> database) : IDisposable
{
    /// <summary>
    /// The part of the pool that streams and waits may take: one write to a space with thousands of them wakes them
    /// all, and pushes must not stand behind their pages.
    /// </summary>
    private const int PoolShare = 4;

    private readonly SemaphoreSlim _places = new(Math.Max(1, database.Value.MaxPoolSize / PoolShare));

    /// <summary>A page; what is committed after it was read makes <paramref name="watch"/> move.</summary>
    public async Task<Pulled> ReadAsync(Watch watch, SpaceCall call, PullAsk ask, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        try
        {
            watch.Begin();
            var pulled = await pages.ReadAsync(call, ask, cancellation);
            if (pulled is Pulled.Found found)
            {
                watch.StandAt(found.Page.Head);
            }

            return pulled;
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _places.Dispose();
}
