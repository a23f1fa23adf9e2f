namespace SyncServer.Accounts;

/// <summary>The bounds of authentication, with their reasons.</summary>
internal static class AuthLimits
{
    /// <summary>Characters of a token. Tokens with many roles reach 4 KiB; Kestrel takes 32 KiB of headers in all.</summary>
    public const int TokenLength = 8 * 1024;

    /// <summary>Nesting of a token's header and claims: roles sit two or three levels deep.</summary>
    public const int TokenDepth = 16;

    /// <summary>Keys tried for one token that names none: providers overlap two or three during a rotation.</summary>
    public const int KeysTried = 8;

    /// <summary>
    /// Characters of the tokens whose verdict is remembered, <see cref="CachedTokenSize"/> counted for each: 20,000 of a thousand, the
    /// callers of some minutes, in 60 MB.
    /// </summary>
    public const int CachedTokensSize = 30_000_000;

    /// <summary>What is remembered of a token beside its text, a kilobyte, in characters.</summary>
    public const int CachedTokenSize = 500;

    /// <summary>Bytes of an HS256 secret: at least as long as the hash (RFC 7518, 3.2).</summary>
    public const int SecretBytes = 32;

    /// <summary>Bits of an RSA key (RFC 7518, 3.3).</summary>
    public const int RsaBits = 2048;

    /// <summary>Bytes of a key set: dozens of keys with their certificates.</summary>
    public const int KeySetBytes = 256 * 1024;

    /// <summary>Keys that are read from a key set; providers publish two to ten.</summary>
    public const int KeySetKeys = 100;

    /// <summary>Clocks that are kept by NTP differ by less; RFC 7519, 4.1.4 allows a few minutes at most.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    /// <summary>One fetch of a key set. Requests wait for it, so it is shorter than a client's patience.</summary>
    public static readonly TimeSpan FetchTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The longest time between fetches: a key withdrawn by the provider does not live on for weeks.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromDays(7);
}
