using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>
/// What both kinds of token share: reading the header and refusing as RFC 6750, 3 says. Refusals set status and
/// headers and leave the body empty; the problem document is written where all of them are.
/// </summary>
internal abstract class BearerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    /// <summary>
    /// Seconds after which a client that met a server without keys may try again: the identity provider is asked
    /// again within that time, and an outage of it is not made worse.
    /// </summary>
    private const int KeysRetryAfterSeconds = 5;

    private TokenVerdict? _verdict;

    /// <summary>Decides about a token. Verdicts carry fixed sentences, never a part of the token.</summary>
    protected abstract ValueTask<TokenVerdict> JudgeAsync(string token);

    protected sealed override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var token = BearerToken.Read(Request);
        if (token is { Text: null, Ambiguous: false })
        {
            return AuthenticateResult.NoResult();
        }

        _verdict = token.Text is { } text
            ? await JudgeAsync(text)
            : new TokenVerdict.Refused("There is more than one Authorization header");
        return _verdict switch
        {
            TokenVerdict.Accepted accepted => accepted.ToResult(Scheme.Name),
            TokenVerdict.Refused { Reason: var reason } => AuthenticateResult.Fail(reason),
            _ => AuthenticateResult.Fail("No key to check the token with was ever fetched"),
        };
    }

    protected sealed override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        await HandleAuthenticateOnceSafeAsync();
        if (_verdict is TokenVerdict.KeyUnknown)
        {
            Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            Response.Headers.RetryAfter = KeysRetryAfterSeconds.ToString();
            return;
        }

        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = _verdict is TokenVerdict.Refused { Reason: var reason }
            ? $"Bearer error=\"invalid_token\", error_description=\"{reason}\""
            : "Bearer";
    }

    protected sealed override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status403Forbidden;
        Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
        return Task.CompletedTask;
    }
}
