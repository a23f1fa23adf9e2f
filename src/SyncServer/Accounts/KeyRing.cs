using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>Every key at hand: the configured ones, and those of the identity provider as they are now.</summary>
internal sealed class KeyRing
{
    private readonly SigningKey[] _configured;
    private readonly JwksFeed _feed;

    public KeyRing(IOptions<AuthOptions> options, JwksFeed feed)
    {
        _configured = [.. options.Value.Keys.Select(key => ConfiguredKey.TryRead(key, out var read, out var error)
            ? read
            : throw new InvalidOperationException(error))];
        _feed = feed;
    }

    /// <summary>
    /// The keys that may have signed a token with this header, at most <see cref="AuthLimits.KeysTried"/>. A
    /// <paramref name="kid"/> selects the keys of that name, else those that have none; without one all keys of the
    /// algorithm are candidates.
    /// </summary>
    public IReadOnlyList<SigningKey> Candidates(string alg, string? kid)
    {
        var ofAlgorithm = _configured.Concat(_feed.Current.Keys).Where(key => key.Alg == alg).ToList();
        var named = ofAlgorithm.FindAll(key => key.Kid == kid);
        var candidates = kid is null ? ofAlgorithm
            : named.Count > 0 ? named
            : ofAlgorithm.FindAll(key => key.Kid is null);
        return candidates.Count <= AuthLimits.KeysTried ? candidates : candidates.GetRange(0, AuthLimits.KeysTried);
    }

    /// <summary>Whether a key of this name is at hand, so that asking the provider again would be idle.</summary>
    public bool Knows(string kid) => _configured.Concat(_feed.Current.Keys).Any(key => key.Kid == kid);
}
