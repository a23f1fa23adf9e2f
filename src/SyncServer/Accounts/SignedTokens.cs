using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace SyncServer.Accounts;

/// <summary>
/// Decides about a JWT in the compact form (RFC 7515, 7.1). The signature is checked before a claim is read, so no
/// verdict tells anything about unsigned content.
/// </summary>
internal sealed class SignedTokens(KeyRing keys, TokenClaims claims)
{
    /// <summary>The reason shown when no key verifies the signature.</summary>
    public const string NotVerified = "No key verifies the signature of the token";

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    // A member that stands twice could be read differently here and at the issuer.
    private static readonly JsonDocumentOptions Strict = new()
    {
        MaxDepth = AuthLimits.TokenDepth,
        AllowDuplicateProperties = false,
    };

    private static readonly TokenVerdict Malformed = new TokenVerdict.Refused("The token is malformed");

    /// <summary>Reads the token with the keys at hand; pure but for the clock.</summary>
    public TokenVerdict Judge(string token)
    {
        if (token.Length > AuthLimits.TokenLength)
        {
            return new TokenVerdict.Refused("The token is too long");
        }

        Span<Range> parts = stackalloc Range[4];
        if (token.AsSpan().ContainsAnyExcept(Alphabet) || token.AsSpan().Split(parts, '.') != 3)
        {
            return Malformed;
        }

        try
        {
            using var header = Parse(token.AsSpan(parts[0]));
            using var payload = Parse(token.AsSpan(parts[1]));
            var signed = Encoding.ASCII.GetBytes(token[..parts[1].End.Value]);
            var signature = Base64Url.DecodeFromChars(token.AsSpan(parts[2]));
            return Verify(header.RootElement, signed, signature) ?? claims.Judge(payload.RootElement);
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a member of another type than expected, or a lone surrogate in a string.
            return Malformed;
        }
    }

    /// <summary>Null when a key verified the signature.</summary>
    private TokenVerdict? Verify(JsonElement header, byte[] signed, byte[] signature)
    {
        if (header.TryGetProperty("crit", out _))
        {
            return new TokenVerdict.Refused("The token needs an extension that this server does not know");
        }

        var alg = header.TryGetProperty("alg", out var name) ? name.GetString() : null;
        if (alg is not (SigningKey.Rs256 or SigningKey.Es256 or SigningKey.Hs256))
        {
            return new TokenVerdict.Refused("The algorithm of the token is not accepted");
        }

        var kid = header.TryGetProperty("kid", out var value) ? value.GetString() : null;
        foreach (var key in keys.Candidates(alg, kid))
        {
            if (key.Verifies(signed, signature))
            {
                return null;
            }
        }

        return alg != SigningKey.Hs256 && (kid is null || !keys.Knows(kid))
            ? new TokenVerdict.KeyUnknown()
            : new TokenVerdict.Refused(NotVerified);
    }

    private static JsonDocument Parse(ReadOnlySpan<char> part)
    {
        var json = Base64Url.DecodeFromChars(part);
        return Utf8.IsValid(json) ? JsonDocument.Parse(json, Strict) : throw new FormatException("The token is not UTF-8.");
    }
}
