namespace SyncServer;

/// <summary>What authentication tells the operator. No message carries a token or a part of one.</summary>
internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "Took {Count} keys from {Address}")]
    public static partial void KeySetTaken(this ILogger log, Uri address, int count);

    [LoggerMessage(LogLevel.Warning, "Could not fetch keys from {Address}; those at hand stay")]
    public static partial void KeySetNotFetched(this ILogger log, Exception exception, Uri address);

    [LoggerMessage(LogLevel.Warning, "No key at {Address} is of use here; those at hand stay")]
    public static partial void KeySetWithoutUse(this ILogger log, Uri address);

    [LoggerMessage(LogLevel.Information, "Left out a key at {Address}: {Reason}")]
    public static partial void PublishedKeyIgnored(this ILogger log, Uri address, string reason);
}
