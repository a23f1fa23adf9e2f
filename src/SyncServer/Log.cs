using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer;

/// <summary>
/// Every log message of the server. None carries a payload, a token or a query string: what a user typed never
/// reaches a log, and neither does the message of an exception, which may quote it.
/// </summary>
internal static partial class Log
{
    /// <summary>One line per request, written by <see cref="RequestLog"/>, which says what the members are.</summary>
    public const string Request = "{Method} {Path} answered {Status} in {Elapsed:0.0} ms (route {Route}, principal {Principal}, op {OpId}, "
        + "client {Client}, attempt {Attempt}, outbox {Outbox}, trace {TraceId})";

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Cannot decide now: {Cause} (trace {TraceId})")]
    public static partial void Unavailable(ILogger logger, string cause, string traceId);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "Unexpected {Exceptions} (trace {TraceId})")]
    public static partial void Unexpected(ILogger logger, string exceptions, string traceId);

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning, Message = "Planning {Ops} ops took {Seconds:0.0} s, during which space {SpaceId} was held")]
    public static partial void SlowPlan(ILogger logger, int ops, Guid spaceId, double seconds);

    [LoggerMessage(EventId = 5, Level = LogLevel.Warning, Message = "In space {SpaceId} {Count} unique values are shared by older records, "
        + "which stay as they are; 'SyncServer check' names them")]
    public static partial void UniqueValuesShared(ILogger logger, Guid spaceId, long count);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information, Message = "Space {SpaceId} is busy or too large for now (SqlState {State}): "
        + "its unique values are registered with its next write")]
    public static partial void UniqueKeysLeft(ILogger logger, Guid spaceId, string state);

    [LoggerMessage(EventId = 7, Level = LogLevel.Warning, Message = "The unique values of all spaces cannot be registered now ({Cause}): "
        + "those of the others are with the next write to each")]
    public static partial void UniqueKeysInterrupted(ILogger logger, string cause);

    [LoggerMessage(EventId = 8, Level = LogLevel.Warning, Message = "{Count} pulls that shared a statement are read one by one: {Cause}")]
    public static partial void PullsNotShared(ILogger logger, int count, string cause);

    [LoggerMessage(EventId = 30, Level = LogLevel.Warning, Message = "Hints between servers are interrupted, which costs latency alone ({Cause})")]
    public static partial void HintsInterrupted(ILogger logger, string cause);

    [LoggerMessage(EventId = 31, Level = LogLevel.Warning, Message = "The heads of watched spaces cannot be checked, which is tried again ({Cause})")]
    public static partial void HeadsNotChecked(ILogger logger, string cause);

    [LoggerMessage(EventId = 32, Level = LogLevel.Information, Message = "Let a stream go whose reader took nothing for {Seconds:0.0} s")]
    public static partial void SlowReader(ILogger logger, double seconds);

    [LoggerMessage(
        EventId = 20, Level = LogLevel.Information,
        Message = "Purged {Changes} changes and {Tombstones} tombstones of {Spaces} spaces and shortened {Outcomes} outcomes in {Seconds:0.0} s "
            + "(more is left: {MoreIsLeft})")]
    public static partial void Purged(
        ILogger logger, long changes, long tombstones, int spaces, long outcomes, double seconds, bool moreIsLeft);

    [LoggerMessage(EventId = 21, Level = LogLevel.Warning, Message = "Space {SpaceId} was not purged whole, which is tried again: {Cause}")]
    public static partial void PurgeWaits(ILogger logger, Guid spaceId, string cause);

    [LoggerMessage(EventId = 22, Level = LogLevel.Warning, Message = "Nothing was purged, which is tried again: {Cause}")]
    public static partial void RetentionWaits(ILogger logger, string cause);

    [LoggerMessage(EventId = 23, Level = LogLevel.Error, Message = "A round of retention failed: {Exceptions}")]
    public static partial void RetentionFailed(ILogger logger, string exceptions);

    [LoggerMessage(EventId = 24, Level = LogLevel.Error, Message = "Space {SpaceId} was not purged whole: {Exceptions}")]
    public static partial void PurgeFailed(ILogger logger, Guid spaceId, string exceptions);

    [LoggerMessage(
        EventId = 25, Level = LogLevel.Warning,
        Message = "Nothing was purged: the database's clock is {Seconds:0} s ahead of this server's, and one of them is wrong")]
    public static partial void ClocksDiffer(ILogger logger, double seconds);

    [LoggerMessage(EventId = 26, Level = LogLevel.Warning, Message = "Spaces were not looked at for what is past its retention, which is tried again: {Cause}")]
    public static partial void SpacesNotLookedAt(ILogger logger, string cause);

    [LoggerMessage(EventId = 27, Level = LogLevel.Warning, Message = "Outcomes were not shortened to the end, which is tried again: {Cause}")]
    public static partial void OutcomesWait(ILogger logger, string cause);

    [LoggerMessage(EventId = 28, Level = LogLevel.Error, Message = "Outcomes were not shortened to the end: {Exceptions}")]
    public static partial void OutcomesFailed(ILogger logger, string exceptions);

    [LoggerMessage(900, LogLevel.Information, "Making a PostgreSQL cluster in {Directory}")]
    public static partial void EmbeddedPostgresInitialising(ILogger logger, string directory);

    [LoggerMessage(901, LogLevel.Information, "PostgreSQL {Major} started on {Directory}")]
    public static partial void EmbeddedPostgresStarted(ILogger logger, int major, string directory);

    [LoggerMessage(902, LogLevel.Information, "PostgreSQL {Major} was still running on {Directory} and is used again")]
    public static partial void EmbeddedPostgresAdopted(ILogger logger, int major, string directory);

    [LoggerMessage(903, LogLevel.Information, "PostgreSQL on {Directory} stopped")]
    public static partial void EmbeddedPostgresStopped(ILogger logger, string directory);

    [LoggerMessage(904, LogLevel.Information, "PostgreSQL on {Directory} keeps running: another server uses it")]
    public static partial void EmbeddedPostgresStillInUse(ILogger logger, string directory);

    [LoggerMessage(905, LogLevel.Error, "PostgreSQL on {Directory} could not be stopped and keeps running; the next start adopts it")]
    public static partial void EmbeddedPostgresNotStopped(ILogger logger, string directory);

    [LoggerMessage(906, LogLevel.Warning, "PostgreSQL on {Directory} ended by itself and is started again")]
    public static partial void EmbeddedPostgresLost(ILogger logger, string directory);

    [LoggerMessage(907, LogLevel.Information, "PostgreSQL on {Directory} runs again")]
    public static partial void EmbeddedPostgresBack(ILogger logger, string directory);

    [LoggerMessage(908, LogLevel.Error, "PostgreSQL on {Directory} does not run, which is tried again: {Reason}")]
    public static partial void EmbeddedPostgresNotBack(ILogger logger, string directory, string reason);

    [LoggerMessage(LogLevel.Information, "Took {Count} keys from {Address}")]
    public static partial void KeySetTaken(this ILogger log, Uri address, int count);

    [LoggerMessage(LogLevel.Warning, "Could not fetch keys from {Address}; those at hand stay")]
    public static partial void KeySetNotFetched(this ILogger log, Exception exception, Uri address);

    [LoggerMessage(LogLevel.Warning, "No key at {Address} is of use here; those at hand stay")]
    public static partial void KeySetWithoutUse(this ILogger log, Uri address);

    [LoggerMessage(LogLevel.Information, "Left out a key at {Address}: {Reason}")]
    public static partial void PublishedKeyIgnored(this ILogger log, Uri address, string reason);

    [LoggerMessage(LogLevel.Information, "Applied migration {Migration}")]
    public static partial void MigrationApplied(this ILogger log, string migration);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL does not tell its {Mark} (SqlState {State}): of a restore, less is noticed; run `SyncServer new-epoch` after each")]
    public static partial void MarkNotTold(this ILogger log, string mark, string state);

    [LoggerMessage(
        LogLevel.Warning,
        "The database was restored ({Sign}): epoch {Epoch} begins and {Old} is over. Every device pulls from the start and sends again "
        + "what the database lacks. Where nobody restored it, find out who did; see Backups in OPERATIONS.md")]
    public static partial void EpochBegan(this ILogger log, string epoch, string old, RewindSign sign);

    [LoggerMessage(LogLevel.Information, "Epoch {Epoch} is served from now on, {Old} no longer")]
    public static partial void EpochTaken(this ILogger log, string epoch, string old);

    [LoggerMessage(LogLevel.Warning, "Cannot look whether another epoch began, which is tried again every second ({Cause})")]
    public static partial void EpochNotWatched(this ILogger log, string cause);

    [LoggerMessage(LogLevel.Warning, "Not ready: the database does not answer ({Cause})")]
    public static partial void DatabaseDoesNotAnswer(this ILogger log, string cause);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL may lose acknowledged writes in a crash: {Settings}")]
    public static partial void UnsafeSettings(this ILogger log, string settings);
}
