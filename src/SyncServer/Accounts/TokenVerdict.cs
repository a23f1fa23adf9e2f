using Microsoft.AspNetCore.Authentication;

namespace SyncServer.Accounts;

/// <summary>What was decided about a token.</summary>
internal abstract record TokenVerdict
{
    private TokenVerdict()
    {
    }

    /// <summary>The token proves <paramref name="Caller"/> until <paramref name="Expires"/>, clock skew not counted.</summary>
    internal sealed record Accepted(Caller Caller, DateTimeOffset Expires) : TokenVerdict
    {
        /// <summary>The same as ASP.NET Core says it.</summary>
        public AuthenticateResult ToResult(string scheme) => AuthenticateResult.Success(
            new AuthenticationTicket(Caller.ToClaims(scheme), CallerOfRequest.TrustedUntil(Expires), scheme));
    }

    /// <summary>The token proves nothing. The reason fits an <c>error_description</c>: no quotes, ASCII only.</summary>
    internal sealed record Refused(string Reason) : TokenVerdict;

    /// <summary>No key at hand verifies the token, and one fetched later might.</summary>
    internal sealed record KeyUnknown : TokenVerdict;
}
