using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>
/// Signed tokens that are not remembered: the keys at hand, then the identity provider's keys once more. The last step
/// is bounded by <see cref="AuthOptions.MinimumRefreshInterval"/>, however many unknown keys callers invent.
/// </summary>
internal sealed class SignedTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, TrustedTokens tokens)
    : BearerHandler(options, loggers, encoder)
{
    public new const string Scheme = "SignedToken";

    protected override ValueTask<TokenVerdict> JudgeAsync(string token) => tokens.JudgeAsync(token, Context.RequestAborted);
}
