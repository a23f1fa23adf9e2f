using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>What a decision says about the space that it saw: an answer, and whether its plan may be written.</summary>
internal readonly record struct Decided<T>(T Answer, bool Discard = false);

/// <summary>A plan, or the process that made it, took longer than a session may be idle in a transaction; nothing of it was stored.</summary>
internal sealed class PlanTimeoutException(NpgsqlException lost)
    : TimeoutException("Planning outlasted the session's idle timeout.", lost);

/// <summary>
/// One write to one space: lock, load, decide, write, commit (design of the push). Whatever was decided is stored in
/// this transaction, or nothing is.
/// </summary>
internal sealed class SpaceTransaction(
    NpgsqlDataSource source, TimeProvider clock, SpaceHeads heads, KnownSpaces known, UniqueRegister register, IOptions<DatabaseOptions> options, ILogger<SpaceTransaction> logger)
{
    // Deadlocks and serialization failures undo the whole transaction, so that it may simply run again; a third loss
    // in a row means a load that only waiting helps, and the client hears 503.
    private const int Attempts = 3;

    // idle_in_transaction_session_timeout in appendix A of PostgreSQL's manual; often the broken connection is noticed first,
    // and then only the time that the plan took tells why.
    private const string IdleInTransaction = "25P03";

    // A plan takes milliseconds, and everybody who writes to the space waits for it.
    private static readonly TimeSpan SlowPlan = TimeSpan.FromSeconds(1);

    private readonly SpaceLoad _load = new(clock, register);

    // While a plan is made its session is idle in its transaction.
    private readonly TimeSpan _patience = options.Value.IdleInTransactionTimeout;

    /// <summary>
    /// Runs <paramref name="decide"/> on the locked space and writes its plan. The rejection is set where the caller is
    /// no member or lacks <paramref name="needed"/>; then nothing was looked up or locked for it and nothing is written.
    /// </summary>
    public Task<(T? Answer, Rejection? Rejection)> RunAsync<T>(
        LoadSpec spec, Role needed, Func<LoadedSpace, Decided<T>> decide, CancellationToken cancellation) =>
        TimedAsync(spec, decide, timed => RunAsync(spec, needed, (loaded, _) => Task.FromResult(timed(loaded)), cancellation));

    /// <summary>
    /// The same for a decision that reads or writes rows which are no part of a plan: what it does on the connection is
    /// committed together with the plan, or not at all, and may be run again from the start.
    /// </summary>
    public async Task<(T? Answer, Rejection? Rejection)> RunAsync<T>(
        LoadSpec spec, Role needed, Func<LoadedSpace, NpgsqlConnection, Task<Decided<T>>> decide, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await OnceAsync(spec, needed, decide, cancellation);
            }
            catch (PostgresException trouble) when (attempt < Attempts
                && trouble.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure)
            {
                // Rolled back by PostgreSQL: the next round reads everything anew, stored outcomes included.
            }
        }
    }

    /// <summary>Decides on a snapshot without a lock and writes nothing.</summary>
    public Task<(T? Answer, Rejection? Rejection)> LookAsync<T>(
        LoadSpec spec, Role needed, Func<LoadedSpace, Decided<T>> decide, CancellationToken cancellation) =>
        TimedAsync(spec, decide, timed => SnapshotAsync(spec, needed, timed, cancellation));

    private async Task<(T? Answer, Rejection? Rejection)> SnapshotAsync<T>(
        LoadSpec spec, Role needed, Func<LoadedSpace, Decided<T>> decide, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellation);
        var (loaded, refused) = await ReadAsync(connection, spec, (needed, SpaceLock.None), cancellation);
        if (refused is not null)
        {
            return (default, refused);
        }

        var decided = decide(loaded!);
        for (var round = 1; loaded!.Plan.MissingKeys.Count > 0; round++)
        {
            if (round > KeyRounds.Max)
            {
                return (default, KeyRounds.TooMany);
            }

            spec = spec with { UniqueKeys = [.. spec.UniqueKeys, .. loaded.Plan.MissingKeys] };
            loaded = await _load.ReadAsync(connection, spec, (needed, SpaceLock.None), cancellation);
            decided = decide(loaded!);
        }

        return (decided.Answer, null);
    }

    private async Task<(T? Answer, Rejection? Rejection)> OnceAsync<T>(
        LoadSpec spec, Role needed, Func<LoadedSpace, NpgsqlConnection, Task<Decided<T>>> decide, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        Forget(spec);
        var (loaded, refused) = await ReadAsync(connection, spec, (needed, SpaceLock.Wait), cancellation);
        if (refused is not null)
        {
            return (default, refused);
        }

        var decided = await decide(loaded!, connection);
        for (var round = 1; loaded!.Plan.MissingKeys.Count > 0; round++)
        {
            if (round > KeyRounds.Max)
            {
                return (default, KeyRounds.TooMany);
            }

            // Which unique values matter is known only when the merged state is; each round knows more of them, under the same lock.
            spec = spec with { UniqueKeys = [.. spec.UniqueKeys, .. loaded.Plan.MissingKeys] };
            loaded = await _load.ReadAsync(connection, spec, (needed, SpaceLock.Wait), cancellation);
            decided = await decide(loaded!, connection);
        }

        if (!decided.Discard)
        {
            await SpaceWrite.CommitAsync(connection, [loaded!.Plan]);
            if (loaded.Plan.Head != loaded.Plan.LoadedHead)
            {
                heads.Publish(spec.SpaceId, loaded.Plan.Head);
            }
        }

        return (decided.Answer, null);
    }

    /// <summary>Pushes that come from now on look whether somebody holds the space, instead of waiting with their whole group.</summary>
    private void Forget(LoadSpec spec)
    {
        known.Forget(spec.SpaceId);
        if (spec.Beside is { } beside)
        {
            known.Forget(beside);
        }
    }

    /// <summary>The space under the caller's role, or the refusal.</summary>
    private async Task<(LoadedSpace? Loaded, Rejection? Refused)> ReadAsync(
        NpgsqlConnection connection, LoadSpec spec, (Role Needed, SpaceLock Lock) access, CancellationToken cancellation)
    {
        LoadSpec[] specs = [spec];
        var loaded = await _load.ReadAsync(connection, specs, access, cancellation);
        for (var attempt = 1; attempt < Attempts && IsNew(loaded); attempt++)
        {
            loaded = await _load.ReadAsync(connection, specs, access, cancellation);
        }

        return Access.Refuses(loaded.RoleOf(0), access.Needed) is { } refused
            ? (null, refused)
            : (loaded[0, spec] ?? throw new TimeoutException("The caller's role changed while the space was locked."), null);

        // The role was given after the lock was asked for, which therefore locked nothing.
        bool IsNew(LoadedSpaces loaded) => loaded.PlanOf(spec.SpaceId) is null && loaded.RoleOf(0) >= access.Needed;
    }

    /// <summary>Tells of slow plans, and of those that took so long that PostgreSQL ended their session and freed the space.</summary>
    private async Task<(T? Answer, Rejection? Rejection)> TimedAsync<T>(
        LoadSpec spec, Func<LoadedSpace, Decided<T>> decide, Func<Func<LoadedSpace, Decided<T>>, Task<(T? Answer, Rejection? Rejection)>> run)
    {
        var longest = TimeSpan.Zero;
        try
        {
            return await run(loaded =>
            {
                var begun = clock.GetTimestamp();
                var decided = decide(loaded);
                var elapsed = clock.GetElapsedTime(begun);
                longest = elapsed > longest ? elapsed : longest;
                if (elapsed > SlowPlan)
                {
                    Log.SlowPlan(logger, spec.Ops, spec.SpaceId, elapsed.TotalSeconds);
                }

                return decided;
            });
        }
        catch (NpgsqlException lost) when (lost is PostgresException said
            ? said.SqlState == IdleInTransaction
            : _patience > TimeSpan.Zero && longest >= _patience)
        {
            throw new PlanTimeoutException(lost);
        }
    }
}

/// <summary>How often one request may find that it has to look up more unique keys; each time all of it is decided anew under the lock.</summary>
internal static class KeyRounds
{
    /// <summary>
    /// Eight: what ops take is one round, and each further one is for values that matter only because others, which were
    /// thought free, are taken. Ops of an app need two; without a bound each op of a batch could ask for a round of its own.
    /// </summary>
    public const int Max = 8;

    /// <summary>The refusal of the whole request, of which nothing is stored.</summary>
    public static Rejection TooMany => new(ErrorCode.TooManyRequests,
        "Too many ops of this request depend on unique values that ops before them could not take; send them in smaller requests.");
}

/// <summary>What a caller may do in a space.</summary>
internal static class Access
{
    /// <summary>404 to those outside, whether the space exists or not; 403 where a member lacks the right.</summary>
    public static Rejection? Refuses(Role? role, Role needed) => role switch
    {
        null => new Rejection(ErrorCode.NotFound, "There is no such space for this caller."),
        { } held when held < needed => new Rejection(ErrorCode.Forbidden, $"This needs the role {needed.Name()} in the space."),
        _ => null,
    };
}
