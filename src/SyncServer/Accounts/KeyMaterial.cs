using System.Security.Cryptography;

namespace SyncServer.Accounts;

/// <summary>The demands on public keys, wherever they come from.</summary>
internal static class KeyMaterial
{
    private const string P256 = "1.2.840.10045.3.1.7";

    /// <summary>An RSA key, or the reason why it is not taken.</summary>
    public static SigningKey? Rsa(string? kid, RSA rsa, out string error)
    {
        error = $"the RSA key has {rsa.KeySize} bits and {AuthLimits.RsaBits} are the least";
        return rsa.KeySize >= AuthLimits.RsaBits
            ? new RsaSigningKey(kid, rsa.ExportParameters(includePrivateParameters: false))
            : null;
    }

    /// <summary>An EC key, or the reason why it is not taken.</summary>
    public static SigningKey? Ec(string? kid, ECDsa ecdsa, out string error)
    {
        error = "the EC key is not on the curve P-256";
        var parameters = ecdsa.ExportParameters(includePrivateParameters: false);
        return parameters.Curve.IsNamed && parameters.Curve.Oid.Value == P256 ? new EcSigningKey(kid, parameters) : null;
    }
}
