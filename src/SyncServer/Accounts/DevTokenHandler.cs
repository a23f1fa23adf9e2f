using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>Takes development tokens at their word. Nothing is forwarded here unless <c>Auth:DevTokens</c> is on.</summary>
internal sealed class DevTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : BearerHandler(options, loggers, encoder)
{
    public new const string Scheme = "DevToken";

    protected override ValueTask<TokenVerdict> JudgeAsync(string token) => ValueTask.FromResult<TokenVerdict>(
        DevToken.Parse(token) is { } caller
            ? new TokenVerdict.Accepted(caller, DateTimeOffset.MaxValue)
            : new TokenVerdict.Refused("A development token is dev:<principal> or dev:<principal>:admin"));
}
