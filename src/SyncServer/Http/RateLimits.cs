using System.Collections.Concurrent;
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
    /// <summary>A bucket that is full again says nothing; it may stay for as long as a sweep over all of them is rare.</summary>
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Bucket> buckets = new(StringComparer.Ordinal);
    private readonly TimeProvider clock = TimeProvider.System;
    private readonly RateLimit limit;
    private readonly ITimer sweep;
    private readonly string policy;

    public RateLimits(RateLimit limit)
    {
        this.limit = limit;
        policy = $"\"default\";q={limit.Burst};w={limit.WindowSeconds}";
        sweep = clock.CreateTimer(_ => Sweep(), state: null, SweepEvery, SweepEvery);
    }

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.User.Identity is not { IsAuthenticated: true, Name: { } principal })
        {
            return next(context);
        }

        var isAcquired = buckets.GetOrAdd(principal, static _ => new Bucket()).TryTake(Now, limit, out var left);
        context.Response.OnStarting(() =>
        {
            // draft-ietf-httpapi-ratelimit-headers-10: q per w seconds; r are left, and t seconds fill the bucket again.
            var headers = context.Response.Headers;
            headers["RateLimit-Policy"] = policy;
            headers["RateLimit"] = $"\"default\";r={left};t={limit.SecondsFor(limit.Burst - left)}";
            return Task.CompletedTask;
        });
        if (isAcquired)
        {
            return next(context);
        }

        context.Response.Headers.RetryAfter = Math.Max(1, limit.SecondsFor(1)).ToString();
        return Problems.WriteAsync(context, new Rejection(ErrorCode.TooManyRequests, "The principal's rate limit is used up for now."));
    }

    public void Dispose() => sweep.Dispose();

    private double Now => clock.GetElapsedTime(0).TotalSeconds;

    // A request that takes from a bucket as it goes has one permit for free.
    private void Sweep()
    {
        var now = Now;
        foreach (var (principal, bucket) in buckets)
        {
            if (bucket.IsFull(now))
            {
                buckets.TryRemove(principal, out _);
            }
        }
    }

    /// <summary>Permits that fill up continuously and are given out whole. Nothing is done for it while nobody asks.</summary>
    private sealed class Bucket
    {
        private readonly Lock _gate = new();

        // Seconds of the clock.
        private double _fullAt;

        public bool IsFull(double now)
        {
            lock (_gate)
            {
                return _fullAt <= now;
            }
        }

        /// <summary>Takes a permit where there is one, and says how many are left.</summary>
        public bool TryTake(double now, RateLimit limit, out int left)
        {
            lock (_gate)
            {
                var missing = Math.Max(0, _fullAt - now) * limit.PermitsPerSecond;
                var isAcquired = missing + 1 <= limit.Burst;
                missing += isAcquired ? 1 : 0;
                _fullAt = now + (missing / limit.PermitsPerSecond);
                left = (int)Math.Max(0, limit.Burst - Math.Ceiling(missing));
                return isAcquired;
            }
        }
    }
}
