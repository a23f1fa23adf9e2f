namespace SyncServer.Accounts;

/// <summary>
/// What stands behind <c>Authorization: Bearer</c> (RFC 6750, 2.1). <see cref="Text"/> is null when there is no
/// bearer token; <see cref="Ambiguous"/> when there is more than one Authorization header, and then none counts.
/// </summary>
internal readonly record struct BearerToken(string? Text, bool Ambiguous)
{
    private const string Scheme = "Bearer ";

    public static BearerToken Read(HttpRequest request)
    {
        var headers = request.Headers.Authorization;
        if (headers.Count > 1)
        {
            return new BearerToken(Text: null, Ambiguous: true);
        }

        var header = headers.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return default;
        }

        var text = header.AsSpan(Scheme.Length).Trim(' ');
        return text.IsEmpty ? default : new BearerToken(text.ToString(), Ambiguous: false);
    }
}
