using SyncServer.Core;
using SyncServer.Core.Retention;
using SyncServer.Http;

namespace SyncServer.Retention;

/// <summary>
/// One round shortens old outcomes of all spaces, and looks at some spaces and purges those that are due; the next one goes on behind
/// them. Servers do not speak about it: each begins anywhere, and where two meet they take turns.
/// </summary>
internal sealed class RetentionRound(RetentionParts parts, RetentionOptions options, TimeProvider clock, ILogger<RetentionRound> logger)
{
    /// <summary>Steps of a kind in one space and round, so that none keeps the others waiting for more than seconds.</summary>
    private const int StepsMax = 100;

    /// <summary>
    /// Steps through outcomes in one round: a million rows, which 8,000 ops a second make in two minutes, so that rounds keep up at
    /// the default interval and get over what was left. It is less than a minute of work, after which the clocks are compared again.
    /// </summary>
    private const int OutcomeStepsMax = 2000;

    /// <summary>
    /// Spaces that are remembered because more is left in them: their turn comes in every round, however many spaces there are. A
    /// hundred are some minutes of work; what does not fit is found again when its turn comes.
    /// </summary>
    private const int UnfinishedMax = 100;

    // Rounds are run by one job; whoever runs one by hand waits for nobody.
    private readonly List<Guid> _unfinished = [];
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
            Tell(exception, Log.RetentionWaits, Log.RetentionFailed);
        }
    }

    /// <summary>A round over outcomes, and over what the last ones did not finish and at most <see cref="DueSpaces.SpacesMax"/> further spaces.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var ahead = await parts.Clock.ReadAsync(cancellation) - now;
        if (ahead.Duration() > options.ClockTolerance)
        {
            // One of the two is wrong, and what a wrong clock purges never comes back.
            Log.ClocksDiffer(logger, ahead.TotalSeconds);
            return;
        }

        // Side by side, each on a connection of its own: outcomes take no space's lock, so neither has anything to wait for.
        var (begun, cutoffs) = (clock.GetTimestamp(), Cutoffs.At(now, parts.Retentions));
        var (shortening, purging) = (TryShortenAsync(cutoffs, cancellation), PurgeSpacesAsync(cutoffs, cancellation));
        await Task.WhenAll(shortening, purging);
        var (shortened, (purged, spaces)) = (await shortening, await purging);
        if (spaces > 0 || shortened.Outcomes > 0)
        {
            var seconds = clock.GetElapsedTime(begun).TotalSeconds;
            Log.Purged(logger, purged.Changes, purged.Tombstones, spaces, shortened.Outcomes, seconds, purged.MayGoOn || shortened.MayGoOn);
        }
    }

    /// <summary>The outcomes; trouble with them, of whatever kind, keeps nobody from the spaces.</summary>
    private async Task<Shortened> TryShortenAsync(Cutoffs cutoffs, CancellationToken cancellation)
    {
        try
        {
            return await parts.Outcomes.RunAsync(cutoffs.Outcomes, OutcomeStepsMax, cancellation);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            Tell(exception, Log.OutcomesWait, Log.OutcomesFailed);
            return default;
        }
    }

    /// <summary>The spaces of this round, and of how many something was purged.</summary>
    private async Task<(Purged Purged, int Spaces)> PurgeSpacesAsync(Cutoffs cutoffs, CancellationToken cancellation)
    {
        var (all, count) = (default(Purged), 0);
        foreach (var space in await TurnsAsync(cutoffs, cancellation))
        {
            var purged = await TryPurgeAsync(space, cutoffs, cancellation);
            (all, count) = (all + purged, purged == default ? count : count + 1);
        }

        return (all, count);
    }

    /// <summary>The spaces of this round, each once, the unfinished ones first; they are forgotten until they are unfinished again.</summary>
    private async Task<List<Guid>> TurnsAsync(Cutoffs cutoffs, CancellationToken cancellation)
    {
        var due = await TryLookAsync(cutoffs, cancellation);
        List<Guid> turns = [.. _unfinished.Union(due)];
        _unfinished.Clear();
        return turns;
    }

    /// <summary>The spaces that are due among those whose turn it is; none where they cannot be looked at, and then it is theirs in the next round.</summary>
    private async Task<IEnumerable<Guid>> TryLookAsync(Cutoffs cutoffs, CancellationToken cancellation)
    {
        try
        {
            var seen = await parts.Spaces.ReadAsync(_after, cutoffs, cancellation);
            _after = seen.Count == DueSpaces.SpacesMax ? seen[^1].SpaceId : Guid.Empty;
            return seen.Where(space => space.IsDue).Select(space => space.SpaceId);
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            Tell(exception, Log.SpacesNotLookedAt, Log.RetentionFailed);
            return [];
        }
    }

    /// <summary>One space; trouble with it, of whatever kind, keeps nobody from the others.</summary>
    private async Task<Purged> TryPurgeAsync(Guid space, Cutoffs cutoffs, CancellationToken cancellation)
    {
        var all = default(Purged);
        try
        {
            all += await StepsAsync(() => parts.Purge.LogAsync(space, cutoffs, cancellation));
            // They may have waited for what just went out of the log.
            all += await StepsAsync(() => parts.Purge.UnchangedAsync(space, cutoffs, cancellation));
            if (all.MayGoOn && _unfinished.Count < UnfinishedMax)
            {
                _unfinished.Add(space);
            }
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            Tell(
                exception,
                (log, cause) => Log.PurgeWaits(log, space, cause),
                (log, exceptions) => Log.PurgeFailed(log, space, exceptions));
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

    /// <summary>Trouble that passes is told as <paramref name="waits"/>, and anything else as <paramref name="failed"/>.</summary>
    private void Tell(Exception exception, Action<ILogger, string> waits, Action<ILogger, string> failed)
    {
        if (Unavailability.CauseOf(exception) is { } cause)
        {
            waits(logger, cause);
        }
        else
        {
            failed(logger, Unavailability.Describe(exception));
        }
    }
}

/// <summary>What a round purges, and by which clock and retentions.</summary>
internal sealed record RetentionParts(DatabaseClock Clock, DueSpaces Spaces, SpacePurge Purge, OutcomePurge Outcomes, Retentions Retentions);
