using System.Text.Json;
using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>Decides about the claims of a token whose signature holds (RFC 7519, 4.1).</summary>
internal sealed class TokenClaims
{
    private readonly HashSet<string> _issuers;
    private readonly HashSet<string> _audiences;
    private readonly string _adminClaim;
    private readonly string _adminValue;
    private readonly TimeProvider _time;

    public TokenClaims(IOptions<AuthOptions> options, TimeProvider time)
    {
        _issuers = options.Value.AllIssuers();
        _audiences = options.Value.AllAudiences();
        _adminClaim = options.Value.AdminClaim;
        _adminValue = options.Value.AdminValue;
        _time = time;
    }

    /// <summary>Accepted, or refused with the first reason.</summary>
    /// <exception cref="InvalidOperationException">A claim is of another type than RFC 7519 gives it.</exception>
    /// <exception cref="FormatException">A date is a number out of range.</exception>
    public TokenVerdict Judge(JsonElement claims)
    {
        var now = _time.GetUtcNow();
        if (!Lists(claims, "iss", _issuers))
        {
            return new TokenVerdict.Refused("The token is from another issuer");
        }

        if (!Lists(claims, "aud", _audiences))
        {
            return new TokenVerdict.Refused("The token is for another audience");
        }

        if (Instant(claims, "exp") is not { } expires)
        {
            return new TokenVerdict.Refused("The token has no expiry");
        }

        if (now >= Later(expires, AuthLimits.ClockSkew))
        {
            return new TokenVerdict.Refused("The token has expired");
        }

        if (Instant(claims, "nbf") is { } notBefore && Later(now, AuthLimits.ClockSkew) < notBefore)
        {
            return new TokenVerdict.Refused("The token is not valid yet");
        }

        if (!claims.TryGetProperty("sub", out var subject)
            || subject.GetString() is not { } principal
            || !Caller.IsPrincipal(principal))
        {
            return new TokenVerdict.Refused("The token has no subject of 1 to 255 characters without control characters");
        }

        return new TokenVerdict.Accepted(new Caller(principal, Lists(claims, _adminClaim, [_adminValue])), expires);
    }

    /// <summary>Whether the claim, a string or an array, holds one of <paramref name="wanted"/>.</summary>
    private static bool Lists(JsonElement claims, string name, HashSet<string> wanted) =>
        claims.TryGetProperty(name, out var claim) && claim.ValueKind switch
        {
            JsonValueKind.String => wanted.Contains(claim.GetString()!),
            JsonValueKind.Array => claim.EnumerateArray()
                .Any(item => item.ValueKind == JsonValueKind.String && wanted.Contains(item.GetString()!)),
            _ => false,
        };

    /// <summary>
    /// A NumericDate (RFC 7519, 2), null when absent; dates beyond the calendar count as its end. A number that no double
    /// holds is no date: it would read as infinity.
    /// </summary>
    private static DateTimeOffset? Instant(JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out var claim))
        {
            return null;
        }

        var seconds = claim.GetDouble();
        return double.IsFinite(seconds)
            ? DateTimeOffset.UnixEpoch.AddSeconds(Math.Clamp(seconds, 0, DateTimeOffset.MaxValue.ToUnixTimeSeconds()))
            : throw new FormatException($"The claim {name} is out of range.");
    }

    /// <summary>The instant and a span together, or the end of the calendar.</summary>
    internal static DateTimeOffset Later(DateTimeOffset instant, TimeSpan by) =>
        instant > DateTimeOffset.MaxValue - by ? DateTimeOffset.MaxValue : instant + by;
}
