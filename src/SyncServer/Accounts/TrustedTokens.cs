using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Caching.Memory;

namespace SyncServer.Accounts;

/// <summary>
/// Signed tokens with memory: an accepted token is checked once and then known by its SHA-256 until it expires or the
/// provider's keys change. Refusals are not remembered, so that junk displaces nobody.
/// </summary>
internal sealed class TrustedTokens(SignedTokens tokens, JwksFeed feed, TimeProvider time) : IDisposable
{
    private const int DigestLength = SHA256.HashSizeInBytes / sizeof(char);

    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = AuthLimits.CachedTokens });

    private sealed record Known(AuthenticateResult Result, DateTimeOffset Expires, JwksFeed.KeySet Keys);

    /// <summary>
    /// What the token proved when it was checked, where that still holds; null where it has to be checked. All requests with
    /// the token share one principal, which nobody may change.
    /// </summary>
    public AuthenticateResult? Remembered(ReadOnlySpan<char> token)
    {
        Span<char> digest = stackalloc char[DigestLength];
        Digest(token, digest);
        return _known.TryGetValue(digest, out Known? known) && ReferenceEquals(known!.Keys, feed.Current) && time.GetUtcNow() < known.Expires
            ? known.Result
            : null;
    }

    /// <summary>
    /// Accepted, and remembered from then on, or refused, or <see cref="TokenVerdict.KeyUnknown"/> while no key was ever
    /// fetched. May wait for one fetch of keys.
    /// </summary>
    public async ValueTask<TokenVerdict> JudgeAsync(string token, CancellationToken cancellationToken)
    {
        var keys = feed.Current;
        var verdict = tokens.Judge(token);
        if (verdict is TokenVerdict.KeyUnknown && feed.HasAddress)
        {
            await feed.RefreshAsync(cancellationToken);
            keys = feed.Current;
            verdict = tokens.Judge(token);
        }

        if (verdict is TokenVerdict.Accepted accepted)
        {
            var entry = new MemoryCacheEntryOptions { Size = 1, AbsoluteExpiration = accepted.Expires };
            Span<char> digest = stackalloc char[DigestLength];
            Digest(token, digest);
            _known.Set(digest.ToString(), new Known(accepted.ToResult(SignedTokenHandler.Scheme), accepted.Expires, keys), entry);
        }

        return verdict is TokenVerdict.KeyUnknown && !feed.IsEmpty ? new TokenVerdict.Refused(SignedTokens.NotVerified) : verdict;
    }

    // The digest's bytes as they are, two to a character: the cache looks up characters without a string.
    private static void Digest(ReadOnlySpan<char> token, Span<char> digest) => SHA256.HashData(MemoryMarshal.AsBytes(token), MemoryMarshal.AsBytes(digest));

    /// <inheritdoc />
    public void Dispose() => _known.Dispose();
}
