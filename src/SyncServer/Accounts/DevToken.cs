namespace SyncServer.Accounts;

/// <summary>
/// <c>dev:&lt;principal&gt;</c> and <c>dev:&lt;principal&gt;:admin</c>: anybody may be anybody, which is why they exist
/// in Development only.
/// </summary>
internal static class DevToken
{
    private const string Prefix = "dev:";
    private const string AdminSuffix = ":admin";

    /// <summary>Whether a token is meant as one; no JWT begins like this, for it has no colon.</summary>
    public static bool IsShapeOf(string? token) => token is not null && token.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Null unless the token has exactly one of the two shapes; a principal has no colon of its own.</summary>
    public static Caller? Parse(ReadOnlySpan<char> token)
    {
        if (!token.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var principal = token[Prefix.Length..];
        var isOperator = principal.EndsWith(AdminSuffix, StringComparison.Ordinal);
        if (isOperator)
        {
            principal = principal[..^AdminSuffix.Length];
        }

        return Caller.IsPrincipal(principal) && !principal.Contains(':')
            ? new Caller(principal.ToString(), isOperator)
            : null;
    }
}
