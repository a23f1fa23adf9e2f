using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace SyncServer.Accounts;

/// <summary>What a key set document holds: the keys that this server can use, and why it does not use the others.</summary>
internal sealed record JsonWebKeySet(IReadOnlyList<SigningKey> Keys, IReadOnlyList<string> Ignored)
{
    /// <summary>
    /// Reads a JWK set (RFC 7517, 5). Keys of unknown types or for other uses are left out, as the RFC asks; so are
    /// weak ones, and symmetric ones, which are no secret once they are published.
    /// </summary>
    /// <exception cref="JsonException">The document is not a key set.</exception>
    public static JsonWebKeySet Parse(ReadOnlyMemory<byte> document)
    {
        using var json = JsonDocument.Parse(document);
        if (json.RootElement.ValueKind != JsonValueKind.Object
            || !json.RootElement.TryGetProperty("keys", out var entries)
            || entries.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("The document has no array 'keys'.");
        }

        var keys = new List<SigningKey>();
        var ignored = new List<string>();
        foreach (var entry in entries.EnumerateArray().Take(AuthLimits.KeySetKeys))
        {
            if (Read(entry, out var reason) is { } key)
            {
                keys.Add(key);
            }
            else
            {
                ignored.Add(reason);
            }
        }

        return new JsonWebKeySet(keys, ignored);
    }

    private static SigningKey? Read(JsonElement entry, out string reason)
    {
        try
        {
            return Text(entry, "kty") switch
            {
                "RSA" when IsFor(entry, SigningKey.Rs256) => ReadRsa(entry, Text(entry, "kid"), out reason),
                "EC" when IsFor(entry, SigningKey.Es256) => ReadEc(entry, Text(entry, "kid"), out reason),
                "oct" => Leave("a published symmetric key is no secret", out reason),
                _ => Leave("the key is of an unknown type or for another use or algorithm", out reason),
            };
        }
        catch (Exception e) when (e is FormatException or CryptographicException or InvalidOperationException)
        {
            return Leave("the key is malformed", out reason);
        }
    }

    private static bool IsFor(JsonElement entry, string alg) =>
        Text(entry, "use") is null or "sig" && (Text(entry, "alg") ?? alg) == alg;

    private static SigningKey? ReadRsa(JsonElement entry, string? kid, out string reason)
    {
        using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(entry, "n"), Exponent = Bytes(entry, "e") });
        return KeyMaterial.Rsa(kid, rsa, out reason);
    }

    private static SigningKey? ReadEc(JsonElement entry, string? kid, out string reason)
    {
        if (Text(entry, "crv") != "P-256")
        {
            return Leave("the EC key is not on the curve P-256", out reason);
        }

        var point = new ECPoint { X = Bytes(entry, "x"), Y = Bytes(entry, "y") };
        using var ecdsa = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point });
        return KeyMaterial.Ec(kid, ecdsa, out reason);
    }

    private static byte[] Bytes(JsonElement entry, string name) => Text(entry, name) is { Length: > 0 } text
        ? Base64Url.DecodeFromChars(text)
        : throw new FormatException($"The member '{name}' is missing.");

    private static string? Text(JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static SigningKey? Leave(string why, out string reason)
    {
        reason = why;
        return null;
    }
}
