namespace SyncServer;

/// <summary>What the database tells the operator.</summary>
internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Applied migration {Migration}")]
    public static partial void MigrationApplied(this ILogger log, string migration);

    [LoggerMessage(LogLevel.Warning, "Not ready: the database does not answer ({Cause})")]
    public static partial void DatabaseDoesNotAnswer(this ILogger log, string cause);

    [LoggerMessage(LogLevel.Warning, "PostgreSQL may lose acknowledged writes in a crash: {Settings}")]
    public static partial void UnsafeSettings(this ILogger log, string settings);
}
