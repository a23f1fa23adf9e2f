namespace SyncServer.Accounts;

/// <summary>
/// What stands behind <c>Authorization: Bearer</c> (RFC 6750, 2.1). <see cref="Text"/> is null when there is no
/// bearer token; <see cref="Ambiguous"/> when there is more than one Authorization header, and then none counts.
/// </summary>
internal readonly record struct BearerToken(string? Text, bool Ambiguous)
{
    private const string Scheme = "Bearer ";

    public static BearerToken Read(HttpRequest request) => Span(request) is { IsEmpty: false } text
        ? new BearerToken(text.ToString(), Ambiguous: false)
        : new BearerToken(Text: null, Ambiguous: request.Headers.Authorization.Count > 1);

    /// <summary>The token in its header; empty where <see cref="Text"/> is null.</summary>
    public static ReadOnlySpan<char> Span(HttpRequest request) =>
        request.Headers.Authorization is [{ } header] && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? header.AsSpan(Scheme.Length).Trim(' ')
            : default;
}
