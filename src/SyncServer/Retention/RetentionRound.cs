using SyncServer.Core;
using SyncServer.Core.Retention;
using SyncServer.Http;

namespace SyncServer.Retention;

/// <summary>
/// One round looks at some spaces and purges those that are due; the next one goes on behind them. Servers do not speak about
/// it: each begins anywhere, and where two meet they take turns.
/// </summary>
internal sealed class RetentionRound(RetentionParts parts, RetentionOptions options, TimeProvider clock, ILogger<RetentionRound> logger)
{
    /// <summary>Steps of a kind in one space and round, so that none keeps the others waiting for more than seconds.</summary>
    private const int StepsMax = 100;

    /// <summary>
    /// Spaces that are remembered because more is left in them: their turn comes in every round, however many spaces there are. A
    /// hundred are some minutes of work; what does not fit is found again when its turn comes.
    /// </summary>
    private const int UnfinishedMax = 100;

    // Rounds are run by one job; whoever runs one by hand waits for nobody.
    private readonly Dictionary<Guid, DueSpace> _unfinished = [];
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

    /// <summary>A round over what the last ones did not finish, and at most <see cref="DueSpaces.SpacesMax"/> further spaces.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var cutoffs = Cutoffs.At(now, parts.Retentions);
        var look = await parts.Spaces.ReadAsync(_after, cutoffs, cancellation);
        if (look.At - now is { } ahead && ahead.Duration() > options.ClockTolerance)
        {
            // One of the two is wrong, and what a wrong clock purges never comes back.
            Log.ClocksDiffer(logger, ahead.TotalSeconds);
            return;
        }

        _after = look.Spaces.Count == DueSpaces.SpacesMax ? look.Spaces[^1].SpaceId : Guid.Empty;
        var begun = clock.GetTimestamp();
        var (all, count) = (default(Purged), 0);
        foreach (var space in Turns(look.Spaces))
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

    /// <summary>The spaces of this round, each once, the unfinished ones first; they are forgotten until they are unfinished again.</summary>
    private List<DueSpace> Turns(IReadOnlyList<DueSpace> seen)
    {
        var due = seen.Where(space => space.IsDue).ToList();
        var first = _unfinished.Values.Select(left => due.Find(space => space.SpaceId == left.SpaceId) is { IsDue: true } also
            ? new DueSpace(left.SpaceId, left.Log || also.Log, left.Outcomes || also.Outcomes, left.Unchanged || also.Unchanged)
            : left);
        List<DueSpace> turns = [.. first, .. due.Where(space => !_unfinished.ContainsKey(space.SpaceId))];
        _unfinished.Clear();
        return turns;
    }

    /// <summary>One space; trouble with it, of whatever kind, keeps nobody from the others.</summary>
    private async Task<Purged> TryPurgeAsync(DueSpace space, Cutoffs cutoffs, CancellationToken cancellation)
    {
        var (id, purge, all) = (space.SpaceId, parts.Purge, default(Purged));
        try
        {
            var log = space.Log ? await StepsAsync(() => purge.LogAsync(id, cutoffs, cancellation)) : default;
            all += log;
            var outcomes = space.Outcomes ? await StepsAsync(() => purge.OutcomesAsync(id, cutoffs, cancellation)) : default;
            all += outcomes;
            // They may have waited for what just went out of the log.
            var unchanged = space.Unchanged || log.Changes > 0
                ? await StepsAsync(() => purge.UnchangedAsync(id, cutoffs, cancellation))
                : default;
            all += unchanged;
            if (all.MayGoOn && _unfinished.Count < UnfinishedMax)
            {
                _unfinished[id] = new DueSpace(id, log.MayGoOn, outcomes.MayGoOn, unchanged.MayGoOn);
            }
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            if (Unavailability.CauseOf(exception) is { } cause)
            {
                Log.PurgeWaits(logger, id, cause);
            }
            else
            {
                Log.PurgeFailed(logger, id, Unavailability.Describe(exception));
            }
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

/// <summary>What a round purges, and by which retentions.</summary>
internal sealed record RetentionParts(DueSpaces Spaces, SpacePurge Purge, Retentions Retentions);
