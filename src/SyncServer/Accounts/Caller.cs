using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using SyncServer.Core;
using SyncServer.Http;

namespace SyncServer.Accounts;

/// <summary>Who calls, as the token proved it.</summary>
/// <param name="Principal">The token's subject, 1 to 255 characters without control characters.</param>
/// <param name="IsOperator">Whether the token carries the admin role.</param>
public readonly record struct Caller(string Principal, bool IsOperator)
{
    internal const string SubjectClaim = "sub";
    internal const string RoleClaim = "role";
    internal const string AdminRole = "admin";

    /// <summary>
    /// Control characters are refused because principals travel through logs, headers and URLs; beyond that a
    /// subject is opaque and compared ordinally.
    /// </summary>
    internal static bool IsPrincipal(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > Limits.PrincipalLength)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (char.IsControl(c))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The caller as ASP.NET Core sees it; <c>Identity.Name</c> is the principal.</summary>
    internal ClaimsPrincipal ToClaims(string scheme)
    {
        var claims = new List<Claim>(2) { new(SubjectClaim, Principal) };
        if (IsOperator)
        {
            claims.Add(new Claim(RoleClaim, AdminRole));
        }

        return new ClaimsPrincipal(new CallerIdentity(this, claims, scheme));
    }
}

/// <summary>The claims with the caller beside them, for whom nobody has to search.</summary>
internal sealed class CallerIdentity(Caller caller, IEnumerable<Claim> claims, string scheme)
    : ClaimsIdentity(claims, scheme, Caller.SubjectClaim, Caller.RoleClaim), IPseudonymous
{
    /// <summary>Enough to tell principals apart.</summary>
    private const int PseudonymBytes = 8;

    /// <summary>Whom the claims describe.</summary>
    public Caller Whom { get; } = caller;

    /// <summary>A hash of the principal, made once for a token.</summary>
    public string Pseudonym => field ??= Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Whom.Principal)).AsSpan(0, PseudonymBytes));

    /// <inheritdoc />
    public override string Name => Whom.Principal;
}

/// <summary>The caller of a request.</summary>
public static class CallerOfRequest
{
    private const string TrustedUntilKey = "trusted-until";

    /// <summary>
    /// Valid on every route behind the default policy. A route that allows anonymous requests has no caller; asking
    /// for one there is a bug of the route and throws.
    /// </summary>
    public static Caller Caller(this HttpContext context) =>
        context.User.Identity is CallerIdentity { IsAuthenticated: true } identity
            ? identity.Whom
            : throw new InvalidOperationException("The route asks for the caller but lets anonymous requests in.");

    /// <summary>When a request with this token would be refused, clock skew counted; answers that last longer end then.</summary>
    public static DateTimeOffset TrustedUntil(this HttpContext context) =>
        context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties?.GetParameter<DateTimeOffset?>(TrustedUntilKey)
        ?? DateTimeOffset.MaxValue;

    /// <summary>What a handler says about a token besides its caller.</summary>
    internal static AuthenticationProperties TrustedUntil(DateTimeOffset expires)
    {
        var properties = new AuthenticationProperties();
        properties.SetParameter<DateTimeOffset?>(TrustedUntilKey, TokenClaims.Later(expires, AuthLimits.ClockSkew));
        return properties;
    }
}
