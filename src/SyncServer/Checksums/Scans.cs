using Microsoft.Extensions.Options;
using SyncServer.Core;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Checksums;

/// <summary>Reads checksums. Buckets take a scan of their entities, of which only some run at once.</summary>
internal sealed class Scans(ChecksumsQuery query, IOptions<DatabaseOptions> database) : IDisposable
{
    /// <summary>
    /// The part of the pool that scans may take: each holds a connection and a core for as long as it runs, and few clients
    /// look for a difference at once.
    /// </summary>
    private const int PoolShare = 8;

    /// <summary>
    /// From the question to the last row: twice what one statement may run by default, so that a hundred entities do not take a
    /// hundred times as long, and a snapshot does not keep the vacuum back.
    /// </summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>Questions of one principal that wait for their turn: more than devices of a person that compare at once.</summary>
    public const int WaitingMax = 16;

    private readonly SemaphoreSlim _places = new(Math.Max(1, database.Value.MaxPoolSize / PoolShare));

    /// <summary>
    /// One at a time for each principal, so that nobody takes all places; the others wait, since several devices of a person may
    /// compare at once. Each costs a connection that is held open.
    /// </summary>
    public PrincipalPlaces Principals { get; } = new(most: 1, WaitingMax);

    /// <summary>The checksums, null where there is no such space for the caller; or why there are none now.</summary>
    public async Task<(SpaceChecksums? Found, Rejection? Rejection)> ReadAsync(ChecksumsAsk ask, CancellationToken cancellation)
    {
        if (ask.Entities.Count == 0)
        {
            return (await query.ReadAsync(ask, cancellation), null);
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        end.CancelAfter(Longest);
        // Given back before the answer is written: a client that has it may ask the next question at once.
        using var own = await Principals.TakeAsync(ask.Principal, end.Token);
        if (own is null)
        {
            return (null, new Rejection(
                ErrorCode.TooManyRequests, $"{WaitingMax} questions of the principal wait for buckets already; ask again when they are answered."));
        }

        await _places.WaitAsync(end.Token);
        try
        {
            return (await query.ReadAsync(ask, end.Token), null);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _places.Dispose();
}
