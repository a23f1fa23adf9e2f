using Microsoft.Extensions.Options;

namespace SyncServer.Retention;

/// <summary>How often this server looks for what is past its retention; how long that is stands in <see cref="Core.Retentions"/>.</summary>
/// <param name="Interval">Between two rounds, give or take a quarter; zero where this server never looks.</param>
/// <param name="ClockTolerance">How far this server's clock and the database's may differ; beyond it this server purges nothing.</param>
internal sealed record RetentionOptions(TimeSpan Interval, TimeSpan ClockTolerance)
{
    private const string IntervalKey = "Sync:Retention:Interval";
    private const string ToleranceKey = "Sync:Retention:ClockTolerance";

    /// <summary>A minute: retentions are counted in days, and rounds that find nothing cost a few index look-ups per space.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromMinutes(1);

    /// <summary>Five minutes: more than clocks differ that are set by anything, and nothing beside retentions of days.</summary>
    public static readonly TimeSpan DefaultClockTolerance = TimeSpan.FromMinutes(5);

    // Less than a second is the time that the question itself takes; as much as the longest retention is no bound any more.
    private static readonly TimeSpan LeastTolerance = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostTolerance = TimeSpan.FromDays(36_500);

    // Below ten milliseconds a server does nothing else; a day apart, a server with many spaces never gets round.
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Most = TimeSpan.FromDays(1);

    /// <summary>The setting; one that is out of range keeps the server from starting and names its key.</summary>
    public static RetentionOptions From(IConfiguration configuration)
    {
        var interval = configuration.GetValue<TimeSpan?>(IntervalKey) ?? DefaultInterval;
        if (interval != TimeSpan.Zero && (interval < Least || interval > Most))
        {
            throw Invalid(IntervalKey, $"is {Least:c} to {Most:c}, or zero for never.");
        }

        var tolerance = configuration.GetValue<TimeSpan?>(ToleranceKey) ?? DefaultClockTolerance;
        return tolerance >= LeastTolerance && tolerance <= MostTolerance
            ? new RetentionOptions(interval, tolerance)
            : throw Invalid(ToleranceKey, $"is {LeastTolerance:c} to {MostTolerance:c}.");
    }

    private static OptionsValidationException Invalid(string key, string rule) => new(key, typeof(RetentionOptions), [$"{key} {rule}"]);
}
