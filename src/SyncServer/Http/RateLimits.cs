using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>How fast one principal may go on: <see cref="PermitsPerSecond"/> for good, <see cref="Burst"/> at once.</summary>
internal sealed record RateLimit(double PermitsPerSecond, int Burst)
{
    /// <summary>A person's few devices need single requests per second; fifty leave room for a first pull page by page.</summary>
    public const double DefaultPermitsPerSecond = 50;

    /// <summary>An outbox after a day offline is pushed at once, op by op: a few seconds' worth saved up.</summary>
    public const int BurstSeconds = 4;

    /// <summary>Less than four permits an hour is a lockout; more than a million a second is below the clock's tick.</summary>
    private const double LeastPermitsPerSecond = 0.001, MostPermitsPerSecond = 1_000_000;

    /// <summary>Seconds in which an empty bucket fills.</summary>
    public int WindowSeconds => SecondsFor(Burst);

    /// <summary>
    /// <c>Sync:RateLimit:PermitsPerSecond</c> and <c>Sync:RateLimit:Burst</c>. Null, that is no limit, in Development
    /// where neither is set, and anywhere with 0 permits per second.
    /// </summary>
    public static RateLimit? From(IConfiguration configuration, bool isDevelopment)
    {
        var section = configuration.GetSection("Sync:RateLimit");
        var permits = section.GetValue<double?>("PermitsPerSecond");
        var burst = section.GetValue<int?>("Burst");
        if (permits == 0 || (isDevelopment && permits is null && burst is null))
        {
            return null;
        }

        if (permits is not null and not (>= LeastPermitsPerSecond and <= MostPermitsPerSecond) || burst < 1)
        {
            throw new InvalidOperationException(
                $"Sync:RateLimit needs PermitsPerSecond from {LeastPermitsPerSecond} to {MostPermitsPerSecond}, or 0 for no limit, "
                + "and Burst of at least 1.");
        }

        var rate = permits ?? DefaultPermitsPerSecond;
        return new RateLimit(rate, burst ?? (int)Math.Clamp(rate * BurstSeconds, 1, int.MaxValue));
    }

    public int SecondsFor(long permits) => (int)Math.Clamp(Math.Ceiling(permits / PermitsPerSecond), 0, int.MaxValue);
}

/// <summary>
/// A token bucket per authenticated principal, kept in this process: full buckets are dropped after some seconds,
/// so memory follows the principals that are active, not all there are. Anonymous requests are not counted.
/// </summary>
internal sealed class RateLimits : IDisposable
{
    private readonly RateLimit limit;
    private readonly PartitionedRateLimiter<string> buckets;
    private readonly string policy;

    public RateLimits(RateLimit limit)
    {
        this.limit = limit;
        policy = $"\"default\";q={limit.Burst};w={limit.WindowSeconds}";
        var options = new TokenBucketRateLimiterOptions
        {
            TokenLimit = limit.Burst,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1 / limit.PermitsPerSecond),
            AutoReplenishment = true,
            QueueLimit = 0,
        };
        buckets = PartitionedRateLimiter.Create<string, string>(
            principal => RateLimitPartition.GetTokenBucketLimiter(principal, _ => options), StringComparer.Ordinal);
    }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.User.Identity is not { IsAuthenticated: true, Name: { } principal })
        {
            await next(context);
            return;
        }

        using var lease = buckets.AttemptAcquire(principal);
        var left = buckets.GetStatistics(principal)?.CurrentAvailablePermits ?? 0;
        context.Response.OnStarting(() =>
        {
            // draft-ietf-httpapi-ratelimit-headers-10: q per w seconds; r are left, and t seconds fill the bucket again.
            var headers = context.Response.Headers;
            headers["RateLimit-Policy"] = policy;
            headers["RateLimit"] = $"\"default\";r={left};t={limit.SecondsFor(limit.Burst - left)}";
            return Task.CompletedTask;
        });
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }

        context.Response.Headers.RetryAfter = Math.Max(1, limit.SecondsFor(1)).ToString();
        await Problems.WriteAsync(context, new Rejection(ErrorCode.TooManyRequests, "The principal's rate limit is used up for now."));
    }

    public void Dispose() => buckets.Dispose();
}
