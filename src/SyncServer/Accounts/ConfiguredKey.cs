using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace SyncServer.Accounts;

/// <summary>Reads one entry of <c>Auth:Keys</c>.</summary>
internal static class ConfiguredKey
{
    /// <summary>False with an error that begins with the member at fault and never shows key material.</summary>
    public static bool TryRead(KeyOptions options, [NotNullWhen(true)] out SigningKey? key, out string error)
    {
        key = options.Alg switch
        {
            SigningKey.Hs256 => ReadSecret(options, out error),
            SigningKey.Rs256 or SigningKey.Es256 => ReadPem(options, out error),
            _ => Refuse("Alg is not RS256, ES256 or HS256: name the one algorithm that the key is for.", out error),
        };
        return key is not null;
    }

    private static SigningKey? ReadSecret(KeyOptions options, out string error)
    {
        var secret = new byte[Base64.GetMaxDecodedFromUtf8Length(options.Secret?.Length ?? 0)];
        if (!string.IsNullOrEmpty(options.Pem) || !Convert.TryFromBase64String(options.Secret ?? "", secret, out var length))
        {
            return Refuse("Secret is not base64, or a Pem is there too: an HS256 key is a base64 Secret alone.", out error);
        }

        if (length < AuthLimits.SecretBytes)
        {
            return Refuse($"Secret has {length} bytes: give at least {AuthLimits.SecretBytes} random ones, "
                + "for example from 'openssl rand -base64 32'.", out error);
        }

        error = "";
        return new HmacSigningKey(NameOf(options), secret[..length]);
    }

    private static SigningKey? ReadPem(KeyOptions options, out string error)
    {
        var pem = options.Pem ?? "";
        if (!string.IsNullOrEmpty(options.Secret) || pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            return Refuse("Pem holds a private key, or a Secret is there too: give the public key alone, the server only "
                + "verifies.", out error);
        }

        try
        {
            var key = options.Alg == SigningKey.Rs256 ? ReadRsa(options, pem, out var reason) : ReadEc(options, pem, out reason);
            error = key is null ? $"Pem: {reason}." : "";
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return Refuse($"Pem is not a public key for {options.Alg}: give a 'BEGIN PUBLIC KEY' block with its line "
                + "breaks.", out error);
        }
    }

    private static SigningKey? ReadRsa(KeyOptions options, string pem, out string error)
    {
        using var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        return KeyMaterial.Rsa(NameOf(options), rsa, out error);
    }

    private static SigningKey? ReadEc(KeyOptions options, string pem, out string error)
    {
        using var ecdsa = ECDsa.Create();
        ecdsa.ImportFromPem(pem);
        return KeyMaterial.Ec(NameOf(options), ecdsa, out error);
    }

    private static string? NameOf(KeyOptions options) => string.IsNullOrEmpty(options.Kid) ? null : options.Kid;

    private static SigningKey? Refuse(string reason, out string error)
    {
        error = reason;
        return null;
    }
}
