using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Memory;

namespace SyncServer.Accounts;

/// <summary>
/// Signed tokens with memory: an accepted token is checked once and then known by its SHA-256 until it expires or the
/// provider's keys change. Refusals are not remembered, so that junk displaces nobody.
/// </summary>
internal sealed class TrustedTokens(SignedTokens tokens, JwksFeed feed, TimeProvider time) : IDisposable
{
    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = AuthLimits.CachedTokens });

    private sealed record Known(TokenVerdict.Accepted Verdict, JwksFeed.KeySet Keys);

    /// <summary>
    /// Accepted or refused, or <see cref="TokenVerdict.KeyUnknown"/> while no key was ever fetched. May wait for one
    /// fetch of keys.
    /// </summary>
    public async ValueTask<TokenVerdict> JudgeAsync(string token, CancellationToken cancellationToken)
    {
        var digest = Convert.ToBase64String(SHA256.HashData(MemoryMarshal.AsBytes(token.AsSpan())));
        if (_known.TryGetValue(digest, out Known? known)
            && ReferenceEquals(known!.Keys, feed.Current)
            && time.GetUtcNow() < known.Verdict.Expires)
        {
            return known.Verdict;
        }

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
            _known.Set(digest, new Known(accepted, keys), entry);
        }

        return verdict is TokenVerdict.KeyUnknown && !feed.IsEmpty ? new TokenVerdict.Refused(SignedTokens.NotVerified) : verdict;
    }

    /// <inheritdoc />
    public void Dispose() => _known.Dispose();
}
