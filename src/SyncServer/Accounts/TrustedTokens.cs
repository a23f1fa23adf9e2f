using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Caching.Memory;

namespace SyncServer.Accounts;

/// <summary>
/// Signed tokens with memory: an accepted token is checked once and then known until it expires or the provider's keys
/// change. Refusals are not remembered, so that junk displaces nobody. It is known by its text: to hash it for every
/// request is dearer than all the rest of the look-up. What can read this memory has the key of HS256 too, and the tokens of all
/// requests as they come.
/// </summary>
internal sealed class TrustedTokens(SignedTokens tokens, JwksFeed feed, TimeProvider time) : IDisposable
{
    private readonly MemoryCache _known = new(new MemoryCacheOptions { SizeLimit = AuthLimits.CachedTokensSize });

    private sealed record Known(AuthenticateResult Result, DateTimeOffset Expires, JwksFeed.KeySet Keys);

    /// <summary>
    /// What the token proved when it was checked, where that still holds; null where it has to be checked. All requests with
    /// the token share one principal, which nobody may change.
    /// </summary>
    public AuthenticateResult? Remembered(ReadOnlySpan<char> token) =>
        _known.TryGetValue(token, out Known? known) && ReferenceEquals(known!.Keys, feed.Current) && time.GetUtcNow() < known.Expires
            ? known.Result
            : null;

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
            var entry = new MemoryCacheEntryOptions { Size = token.Length + AuthLimits.CachedTokenSize, AbsoluteExpiration = accepted.Expires };
            _known.Set(token, new Known(accepted.ToResult(SignedTokenHandler.Scheme), accepted.Expires, keys), entry);
        }

        return verdict is TokenVerdict.KeyUnknown && !feed.IsEmpty ? new TokenVerdict.Refused(SignedTokens.NotVerified) : verdict;
    }

    /// <inheritdoc />
    public void Dispose() => _known.Dispose();
}
