using Microsoft.Extensions.Options;

namespace SyncServer.Retention;

/// <summary>How often this server looks for what is past its retention; how long that is stands in <see cref="Core.Retentions"/>.</summary>
/// <param name="Interval">Between two rounds, give or take a quarter; zero where this server never looks.</param>
internal sealed record RetentionOptions(TimeSpan Interval)
{
    private const string Key = "Sync:Retention:Interval";

    /// <summary>A minute: retentions are counted in days, and rounds that find nothing cost a few index look-ups per space.</summary>
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromMinutes(1);

    // Below ten milliseconds a server does nothing else; a day apart, a server with many spaces never gets round.
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Most = TimeSpan.FromDays(1);

    /// <summary>The setting; one that is out of range keeps the server from starting and names its key.</summary>
    public static RetentionOptions From(IConfiguration configuration)
    {
        var interval = configuration.GetValue<TimeSpan?>(Key) ?? DefaultInterval;
        return interval == TimeSpan.Zero || (interval >= Least && interval <= Most)
            ? new RetentionOptions(interval)
            : throw new OptionsValidationException(Key, typeof(RetentionOptions), [$"{Key} is {Least:c} to {Most:c}, or zero for never."]);
    }
}
