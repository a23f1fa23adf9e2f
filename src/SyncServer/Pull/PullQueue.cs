using Microsoft.Extensions.Options;
using SyncServer.Http;

namespace SyncServer.Pull;

/// <summary>
/// Gathers pulls that come while others are being read, so that they share a statement. A pull that comes while a reader is idle is
/// read at once: nothing waits for company. What a shared statement does is bounded, so that nobody waits long for a neighbour; a
/// pull that does not fit those bounds is read by a statement of its own, as is every pull of one that failed, and one that has waited
/// for too long.
/// </summary>
internal sealed class PullQueue(PullQuery query, SharedPages pages, IOptions<PullOptions> options, ILogger<PullQueue> log)
{
    /// <summary>Pulls of one statement; of more, the statement's own cost is next to nothing for each already.</summary>
    public const int GroupPulls = 64;

    private readonly Lock _gate = new();
    private readonly Queue<PendingPull> _waiting = new();
    private int _readers;

    /// <summary>How many pulls wait for a reader.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>The page, or null where there is no such space, of a snapshot that begins after the call.</summary>
    public async Task<PullPage?> ReadAsync(PullRequest request, CancellationToken cancellation)
    {
        if (SharedPages.MayTake(request))
        {
            var pull = new PendingPull(request, cancellation);
            if (TakesReader(pull))
            {
                await ReadAsync([pull]);
                GoOn();
            }

            if (await pull.SettledAsync(options.Value.Patience, cancellation) && pull.IsRead)
            {
                return pull.Page;
            }
        }

        return await query.ReadAsync(request, cancellation);
    }

    /// <summary>Whether a reader is idle, which then is the caller's; otherwise the pull waits now.</summary>
    private bool TakesReader(PendingPull pull)
    {
        lock (_gate)
        {
            if (_readers < options.Value.Readers)
            {
                _readers++;
                return true;
            }

            _waiting.Enqueue(pull);
            return false;
        }
    }

    /// <summary>Hands the reader on to those that wait, on a thread of their own: who has a page goes on with it.</summary>
    private void GoOn()
    {
        if (NextGroup() is { } group)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static of => _ = of.Queue.ReadOnAsync(of.Group), (Queue: this, Group: group), preferLocal: false);
        }
    }

    private async Task ReadOnAsync(List<PendingPull> group)
    {
        for (List<PendingPull>? next = group; next is not null; next = NextGroup())
        {
            await ReadAsync(next);
        }
    }

    /// <summary>Those that wait, in the order in which they came; null where nobody does, and then the reader is idle.</summary>
    private List<PendingPull>? NextGroup()
    {
        lock (_gate)
        {
            var group = new List<PendingPull>(Math.Min(_waiting.Count, GroupPulls));
            while (group.Count < GroupPulls && _waiting.TryDequeue(out var pull))
            {
                if (pull.IsGone)
                {
                    pull.Settle();
                }
                else
                {
                    group.Add(pull);
                }
            }

            _readers -= group.Count == 0 ? 1 : 0;
            return group.Count == 0 ? null : group;
        }
    }

    /// <summary>Never fails: what the statement does not come to, each pull comes to alone.</summary>
    private async Task ReadAsync(List<PendingPull> group)
    {
        try
        {
            await pages.ReadAsync(group);
        }
        catch (Exception failure)
        {
            group.ForEach(static pull => pull.Dispose());
            var cause = Unavailability.CauseOf(failure);
            // A lone pull that cannot be read now says so itself, from the statement that it goes on with.
            if (group.Count > 1 || cause is null)
            {
                Log.PullsNotShared(log, group.Count, cause ?? failure.GetType().Name);
            }
        }
        finally
        {
            group.ForEach(static pull => pull.Settle());
        }
    }
}
