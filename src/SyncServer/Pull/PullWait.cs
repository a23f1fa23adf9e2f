using SyncServer.Core;
using SyncServer.Http;
using SyncServer.Live;
using SyncServer.Spaces;

namespace SyncServer.Pull;

/// <summary><c>Prefer: wait=n</c> (RFC 7240, 4.3): a pull that finds nothing waits for a change, without a connection or a thread.</summary>
internal sealed class PullWait(PullPages pages, WatchedPages watched, SpaceWatches watches, LiveSlots slots, WaitRules rules)
{
    /// <summary>What the pull came to, at once or after a wait.</summary>
    public Task<Pulled> ReadAsync(HttpContext context, SpaceCall call, PullAsk ask)
    {
        // Without a cursor there is no head to stand at: a first pull is told at once that there is nothing.
        var seconds = ask.Cursor is null || !HttpMethods.IsGet(context.Request.Method) ? 0 : rules.Seconds(context.Request.Headers);
        if (seconds == 0)
        {
            return pages.ReadAsync(call, ask, context.RequestAborted);
        }

        context.Response.Headers["Preference-Applied"] = $"wait={seconds}";
        return WaitAsync(context, call, ask, TimeSpan.FromSeconds(seconds));
    }

    private async Task<Pulled> WaitAsync(HttpContext context, SpaceCall call, PullAsk ask, TimeSpan patience)
    {
        using var watch = watches.Watch(call.SpaceId);
        var pulled = await watched.ReadAsync(watch, call, ask, context.RequestAborted);
        if (pulled is not Pulled.Found { IsEmpty: true })
        {
            return pulled;
        }

        using var slot = slots.TryWait(call.Principal);
        if (slot is null)
        {
            return new Pulled.Refused(slots.Refuse(context));
        }

        using var end = rules.End.Of(context, patience);
        while (pulled is Pulled.Found { IsEmpty: true } nothing && !end.IsCancellationRequested)
        {
            await watch.MovedAsync(Timeout.InfiniteTimeSpan, end.Token);
            // Once more also when the time is over: the answer is as true as one that had not waited.
            pulled = await watched.ReadAsync(watch, call, ask.From(nothing.Next), context.RequestAborted);
        }

        return pulled;
    }
}

/// <summary>How long a pull may wait.</summary>
internal sealed class WaitRules(Limits limits, LiveEnd end)
{
    /// <summary>When a wait ends, whatever its space does.</summary>
    public LiveEnd End => end;

    /// <summary>Seconds that the client asks for, clamped to what is published; 0 where it asks for none, or is malformed.</summary>
    public int Seconds(IHeaderDictionary headers) => Paging.WaitSeconds(headers, limits.PullWaitSecondsMax);
}
