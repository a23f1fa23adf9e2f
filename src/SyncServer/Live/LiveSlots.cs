using System.Runtime.InteropServices;
using SyncServer.Core;
using SyncServer.Http;

namespace SyncServer.Live;

/// <summary>How many streams and waits are open at this server, and how many of each principal's.</summary>
internal sealed class LiveSlots(Limits limits, Presets presets)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);
    private int _streams;
    private int _waits;

    /// <summary>Streams that are open.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Pulls that wait for a change.</summary>
    public int Waits => Volatile.Read(ref _waits);

    /// <summary>A place for a stream, to be given back by disposing it; null where the principal has all that it may have.</summary>
    public IDisposable? TryStream(string principal) => TryTake(principal, isStream: true);

    /// <summary>The same for a wait.</summary>
    public IDisposable? TryWait(string principal) => TryTake(principal, isStream: false);

    /// <summary>The refusal where there was no place. Until one is free, the client pulls as one without a stream does.</summary>
    public Rejection Refuse(HttpContext context)
    {
        context.Response.Headers.RetryAfter = presets.PollIntervalSeconds.ToString();
        return new Rejection(
            ErrorCode.TooManyRequests, $"The principal has {limits.LivePerPrincipal} streams and waits open. End some, or pull without waiting.");
    }

    private Slot? TryTake(string principal, bool isStream)
    {
        lock (_gate)
        {
            ref var open = ref CollectionsMarshal.GetValueRefOrAddDefault(_open, principal, out _);
            if (open >= limits.LivePerPrincipal)
            {
                return null;
            }

            open++;
            Count(isStream) += 1;
            return new Slot(this, principal, isStream);
        }
    }

    private void Free(string principal, bool isStream)
    {
        lock (_gate)
        {
            Count(isStream) -= 1;
            if (--_open[principal] == 0)
            {
                _open.Remove(principal);
            }
        }
    }

    private ref int Count(bool isStream) => ref isStream ? ref _streams : ref _waits;

    private sealed class Slot(LiveSlots slots, string principal, bool isStream) : IDisposable
    {
        public void Dispose() => slots.Free(principal, isStream);
    }
}
