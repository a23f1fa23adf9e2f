using SyncServer.Accounts;

namespace SyncServer.Live;

/// <summary>When a stream or wait has to end, whatever its space does.</summary>
internal sealed class LiveEnd(IHostApplicationLifetime host, TimeProvider clock)
{
    /// <summary>A stream lives no longer than a day, also under a token that never expires: its client connects again.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>
    /// Cancelled when the client is gone, when its token would be refused, when the server stops, and after
    /// <paramref name="atMost"/>. For the caller to dispose.
    /// </summary>
    public CancellationTokenSource Of(HttpContext context, TimeSpan atMost)
    {
        var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, host.ApplicationStopping);
        var trusted = context.TrustedUntil() - clock.GetUtcNow();
        end.CancelAfter(TimeSpan.FromTicks(Math.Clamp(trusted.Ticks, 0, atMost.Ticks)));
        return end;
    }
}
