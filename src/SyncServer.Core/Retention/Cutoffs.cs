namespace SyncServer.Core.Retention;

/// <summary>The moments up to which the server forgets: what happened at one of them or before is past its retention.</summary>
/// <param name="Outcomes">Of whole outcomes.</param>
/// <param name="Tombstones">Of tombstones in the feed.</param>
/// <param name="History">Of the log; never later than <paramref name="Tombstones"/>.</param>
public readonly record struct Cutoffs(DateTimeOffset Outcomes, DateTimeOffset Tombstones, DateTimeOffset History)
{
    /// <summary>The cutoffs of now.</summary>
    public static Cutoffs At(DateTimeOffset now, Retentions retentions) =>
        new(now - retentions.IdempotencyRetention, now - retentions.TombstoneRetention, now - retentions.HistoryRetention);
}
