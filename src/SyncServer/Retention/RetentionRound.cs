using SyncServer.Core;
using SyncServer.Core.Retention;
using SyncServer.Http;

namespace SyncServer.Retention;

/// <summary>
/// One round looks at some spaces and purges those that are due; the next one goes on behind them. Servers do not speak about
/// it: each begins anywhere, and where two meet they take turns.
/// </summary>
internal sealed class RetentionRound(
    DueSpaces spaces, SpacePurge purge, Retentions retentions, TimeProvider clock, ILogger<RetentionRound> logger)
{
    /// <summary>Steps in one space and round: more than a space takes in by writing, so that none falls behind and none keeps the others waiting.</summary>
    private const int StepsMax = 100;

    // Rounds are run by one job; whoever runs one by hand waits for nobody.
    private Guid _after = Guid.NewGuid();

    /// <summary>A round. What kept it from its work is logged, and the work is found again; only the end of the server ends it.</summary>
    public async Task TryRunAsync(CancellationToken cancellation)
    {
        try
        {
            await RunAsync(cancellation);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            Tell(exception);
        }
    }

    /// <summary>A round over at most <see cref="DueSpaces.SpacesMax"/> spaces.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var cutoffs = Cutoffs.At(clock.GetUtcNow(), retentions);
        var seen = await spaces.ReadAsync(_after, cutoffs, cancellation);
        _after = seen.Count == DueSpaces.SpacesMax ? seen[^1].SpaceId : Guid.Empty;
        var begun = clock.GetTimestamp();
        var (all, count) = (default(Purged), 0);
        foreach (var space in seen.Where(space => space.Log || space.Rest))
        {
            var purged = await TryPurgeAsync(space, cutoffs, cancellation);
            (all, count) = (all + purged, purged == default ? count : count + 1);
        }

        var seconds = clock.GetElapsedTime(begun).TotalSeconds;
        if (count > 0)
        {
            Log.Purged(logger, all.Changes, all.Tombstones, all.Outcomes, count, seconds, all.MayGoOn);
        }
    }

    /// <summary>One space; trouble with it keeps nobody from the others.</summary>
    private async Task<Purged> TryPurgeAsync(DueSpace space, Cutoffs cutoffs, CancellationToken cancellation)
    {
        var all = default(Purged);
        try
        {
            all += space.Log ? await StepsAsync(() => purge.LogAsync(space.SpaceId, cutoffs, cancellation)) : default;
            all += space.Rest ? await StepsAsync(() => purge.RestAsync(space.SpaceId, cutoffs, cancellation)) : default;
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested && Unavailability.CauseOf(exception) is { } cause)
        {
            Log.PurgeWaits(logger, space.SpaceId, cause);
        }

        return all;
    }

    private static async Task<Purged> StepsAsync(Func<Task<Purged>> step)
    {
        var (all, last) = (default(Purged), default(Purged));
        for (var steps = 0; steps < StepsMax && (steps == 0 || last.MayGoOn); steps++)
        {
            last = await step();
            all += last;
        }

        return all with { MayGoOn = last.MayGoOn };
    }

    private void Tell(Exception exception)
    {
        if (Unavailability.CauseOf(exception) is { } cause)
        {
            Log.RetentionWaits(logger, cause);
            return;
        }

        Log.RetentionFailed(logger, Unavailability.Describe(exception));
    }
}
