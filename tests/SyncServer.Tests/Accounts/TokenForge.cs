using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace SyncServer.Tests.Accounts;

/// <summary>Makes tokens, good ones and bad ones, with keys that live as long as the test run.</summary>
internal static class TokenForge
{
    public const string Issuer = "https://id.example";
    public const string Audience = "sync";

    public static readonly RSA Rsa = RSA.Create(2048);
    public static readonly RSA OtherRsa = RSA.Create(2048);
    public static readonly ECDsa Ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    public static readonly byte[] Secret = RandomNumberGenerator.GetBytes(32);

    /// <summary>Claims that everything is right with.</summary>
    public static JsonObject Claims(string subject = "alice") => new()
    {
        ["iss"] = Issuer,
        ["aud"] = Audience,
        ["sub"] = subject,
        ["exp"] = DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeSeconds(),
    };

    public static string Rs256(JsonNode claims, string? kid = "rsa", RSA? key = null) =>
        Sign(Header("RS256", kid), claims, signed => (key ?? Rsa).SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public static string Es256(JsonNode claims, string? kid = "ec") =>
        Sign(Header("ES256", kid), claims, signed => Ec.SignData(signed, HashAlgorithmName.SHA256));

    public static string Hs256(JsonNode claims, string? kid = "hmac", byte[]? secret = null) =>
        Sign(Header("HS256", kid), claims, signed => HMACSHA256.HashData(secret ?? Secret, signed));

    public static JsonObject Header(string alg, string? kid)
    {
        var header = new JsonObject { ["alg"] = alg, ["typ"] = "JWT" };
        if (kid is not null)
        {
            header["kid"] = kid;
        }

        return header;
    }

    public static string Sign(JsonNode header, JsonNode claims, Func<byte[], byte[]> sign) =>
        Sign(header.ToJsonString(), claims.ToJsonString(), sign);

    public static string Sign(string header, string claims, Func<byte[], byte[]> sign)
    {
        var signed = Encode(Encoding.UTF8.GetBytes(header)) + "." + Encode(Encoding.UTF8.GetBytes(claims));
        return signed + "." + Encode(sign(Encoding.ASCII.GetBytes(signed)));
    }

    public static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);

    public static JsonObject Jwk(RSA key, string? kid = "rsa")
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new() { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = kid, ["n"] = Encode(parameters.Modulus!), ["e"] = Encode(parameters.Exponent!) };
    }

    public static JsonObject Jwk(ECDsa key, string? kid = "ec")
    {
        var q = key.ExportParameters(includePrivateParameters: false).Q;
        return new() { ["kty"] = "EC", ["crv"] = "P-256", ["alg"] = "ES256", ["kid"] = kid, ["x"] = Encode(q.X!), ["y"] = Encode(q.Y!) };
    }
}
