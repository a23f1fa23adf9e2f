namespace SyncServer.Accounts;

/// <summary>
/// The section <c>Auth</c>: which tokens the server believes. <see cref="AuthOptionsRules"/> says what is refused at
/// start.
/// </summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Accepts development tokens. Unset: in Development only.</summary>
    public bool? DevTokens { get; set; }

    public string? Issuer { get; set; }

    public IList<string> Issuers { get; } = [];

    public string? Audience { get; set; }

    public IList<string> Audiences { get; } = [];

    /// <summary>Where the identity provider publishes its keys (RFC 7517, 5).</summary>
    public Uri? JwksUri { get; set; }

    /// <summary>How often the keys are fetched without a reason: a withdrawn key is believed no longer than this.</summary>
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The least time between two fetches, whatever tokens ask for: the identity provider is not ours to load.</summary>
    public TimeSpan MinimumRefreshInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Keys that are given rather than fetched.</summary>
    public IList<KeyOptions> Keys { get; } = [];

    /// <summary>The claim that names roles, a string or an array of strings.</summary>
    public string AdminClaim { get; set; } = Caller.RoleClaim;

    /// <summary>The role in <see cref="AdminClaim"/> that makes an operator.</summary>
    public string AdminValue { get; set; } = Caller.AdminRole;

    /// <summary><see cref="Issuer"/> and <see cref="Issuers"/> together.</summary>
    public HashSet<string> AllIssuers() => All(Issuer, Issuers);

    /// <summary><see cref="Audience"/> and <see cref="Audiences"/> together.</summary>
    public HashSet<string> AllAudiences() => All(Audience, Audiences);

    private static HashSet<string> All(string? one, IList<string> many) =>
        many.Append(one).OfType<string>().Where(text => text.Length > 0).ToHashSet(StringComparer.Ordinal);
}

/// <summary>One entry of <c>Auth:Keys</c>; <see cref="Alg"/> decides whether it needs a secret or a public key.</summary>
internal sealed class KeyOptions
{
    /// <summary>
    /// The <c>kid</c> that tokens name it by. Unset: tried for every token of its algorithm whose <c>kid</c> names no
    /// other key.
    /// </summary>
    public string? Kid { get; set; }

    /// <summary>RS256, ES256 or HS256.</summary>
    public string? Alg { get; set; }

    /// <summary>Base64, for HS256.</summary>
    public string? Secret { get; set; }

    /// <summary>A public key (<c>BEGIN PUBLIC KEY</c>), for RS256 and ES256.</summary>
    public string? Pem { get; set; }
}
