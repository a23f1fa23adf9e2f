namespace SyncServer.Http;

/// <summary>What a client tells about itself. It only informs: what is malformed is null and never changes a decision.</summary>
/// <param name="Attempt">This is the nth try.</param>
/// <param name="Outbox">Ops waiting on the device.</param>
/// <param name="Client">Name and version of the app.</param>
/// <param name="Schema">Version of the entity definitions that the app was built with.</param>
internal readonly record struct ClientHints(long? Attempt, long? Outbox, string? Client, long? Schema)
{
    /// <summary>Characters of a Sync-Client: <c>name/version</c> with room for a build number, and no more, since logs keep it.</summary>
    public const int ClientLength = 128;

    public static ClientHints Read(IHeaderDictionary headers) => new(
        Number(headers, "Sync-Attempt"), Number(headers, "Sync-Outbox"), Text(headers, "Sync-Client"), Number(headers, "Sync-Schema"));

    private static long? Number(IHeaderDictionary headers, string name) =>
        headers[name] is [var text] && WholeNumber.TryParseSafe(text, out var value) ? value : null;

    private static string? Text(IHeaderDictionary headers, string name) =>
        headers[name] is [{ Length: > 0 and <= ClientLength } text] && !text.AsSpan().ContainsAnyExceptInRange(' ', '~') ? text : null;
}
