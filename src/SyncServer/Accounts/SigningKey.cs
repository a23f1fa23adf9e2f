using System.Security.Cryptography;

namespace SyncServer.Accounts;

/// <summary>
/// A key that verifies with one algorithm. The algorithm is a property of the key; what a token's header says is only
/// ever compared with it, so a token cannot choose how it is checked (RFC 8725, 3.1).
/// </summary>
internal abstract class SigningKey(string? kid, string alg)
{
    public const string Rs256 = "RS256";
    public const string Es256 = "ES256";
    public const string Hs256 = "HS256";

    /// <summary>Null for a key that tokens cannot name.</summary>
    public string? Kid => kid;

    /// <summary>The JWS name of the algorithm (RFC 7518, 3.1).</summary>
    public string Alg => alg;

    /// <summary>Whether the signature is this key's over <paramref name="signed"/>. Safe to call concurrently.</summary>
    public abstract bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature);
}

/// <summary>RSASSA-PKCS1-v1_5 with SHA-256. Key objects are made per call: they are not promised to be thread-safe.</summary>
internal sealed class RsaSigningKey(string? kid, RSAParameters parameters) : SigningKey(kid, Rs256)
{
    public override bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        using var rsa = RSA.Create(parameters);
        return rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }
}

/// <summary>ECDSA over P-256 with SHA-256; the signature is r and s, 32 bytes each (RFC 7518, 3.4).</summary>
internal sealed class EcSigningKey(string? kid, ECParameters parameters) : SigningKey(kid, Es256)
{
    private const int SignatureBytes = 64;

    public override bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        using var ecdsa = ECDsa.Create(parameters);
        return signature.Length == SignatureBytes && ecdsa.VerifyData(
            signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}

/// <summary>HMAC with SHA-256, compared in constant time.</summary>
internal sealed class HmacSigningKey(string? kid, byte[] secret) : SigningKey(kid, Hs256)
{
    public override bool Verifies(ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(secret, signed, expected);
        return CryptographicOperations.FixedTimeEquals(expected, signature);
    }
}
