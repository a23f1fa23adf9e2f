namespace SyncServer;

/// <summary>Every message that the server logs.</summary>
internal static partial class Log
{
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
}
