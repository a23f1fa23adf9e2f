using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SyncServer.Benchmarks.Workloads;

/// <summary>Bearer tokens as an identity provider would sign them, so that the server's real authentication is measured.</summary>
internal static class Tokens
{
    public const string Issuer = "https://issuer.benchmark";
    public const string Audience = "syncserver";

    /// <summary>Longer than any run.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    /// <summary>The name of a phone's owner.</summary>
    public static string Principal(int phone) => $"phone-{phone}";

    /// <summary>A JWT for the principal, signed with HS256.</summary>
    public static string Sign(string principal, byte[] secret)
    {
        var expires = DateTimeOffset.UtcNow.Add(Lifetime).ToUnixTimeSeconds();
        var claims = $$"""{"iss":"{{Issuer}}","aud":"{{Audience}}","sub":"{{principal}}","exp":{{expires}}}""";
        var signed = $"{Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>The server's settings that make it believe these tokens.</summary>
    public static IEnumerable<string> Settings(byte[] secret) =>
    [
        $"--Auth:Issuer={Issuer}", $"--Auth:Audience={Audience}", "--Auth:Keys:0:Alg=HS256",
        $"--Auth:Keys:0:Secret={Convert.ToBase64String(secret)}",
    ];

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
