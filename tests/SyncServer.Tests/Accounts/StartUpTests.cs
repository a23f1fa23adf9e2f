using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace SyncServer.Tests.Accounts;

public sealed class StartUpTests
{
    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Outside_Development_the_server_does_not_start_with_development_tokens(string environment)
    {
        var settings = AccountsServer.StaticKeys();
        settings["Auth:DevTokens"] = "true";

        Assert.StartsWith(
            $"Auth:DevTokens is on and the environment is {environment}", await RefusalAsync(settings, environment), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Production", null)]
    [InlineData("Development", "false")]
    public async Task The_server_does_not_start_when_nobody_could_call(string environment, string? devTokens)
    {
        var refusal = await RefusalAsync(new() { ["Auth:DevTokens"] = devTokens }, environment);

        Assert.StartsWith("Auth:JwksUri and Auth:Keys are empty", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Auth:Issuer", "", "Auth:Issuer is empty")]
    [InlineData("Auth:Audience", "", "Auth:Audience is empty")]
    [InlineData("Auth:AdminClaim", "", "Auth:AdminClaim is empty")]
    [InlineData("Auth:AdminValue", "", "Auth:AdminValue is empty")]
    [InlineData("Auth:JwksUri", "http://id.example/keys", "Auth:JwksUri is 'http://id.example/keys'")]
    [InlineData("Auth:JwksUri", "/keys", "Auth:JwksUri is '/keys'")]
    [InlineData("Auth:MinimumRefreshInterval", "00:00:00", "Auth:MinimumRefreshInterval is not above zero")]
    [InlineData("Auth:RefreshInterval", "00:00:01", "Auth:RefreshInterval is out of range")]
    [InlineData("Auth:RefreshInterval", "8.00:00:00", "Auth:RefreshInterval is out of range")]
    [InlineData("Auth:Keys:0:Alg", "RS512", "Auth:Keys:0:Alg is not")]
    [InlineData("Auth:Keys:0:Alg", "ES256", "Auth:Keys:0:Pem is not a public key for ES256")]
    [InlineData("Auth:Keys:0:Pem", "", "Auth:Keys:0:Pem is not a public key")]
    [InlineData("Auth:Keys:0:Secret", "c2VjcmV0", "Auth:Keys:0:Pem holds a private key, or a Secret")]
    [InlineData("Auth:Keys:2:Secret", "", "Auth:Keys:2:Secret has 0 bytes")]
    [InlineData("Auth:Keys:2:Secret", "c2hvcnQ=", "Auth:Keys:2:Secret has 5 bytes")]
    [InlineData("Auth:Keys:2:Secret", "not base64!", "Auth:Keys:2:Secret is not base64")]
    [InlineData("Auth:Keys:2:Pem", "x", "Auth:Keys:2:Secret is not base64, or a Pem")]
    public async Task A_setting_that_cannot_work_is_named_at_start(string key, string value, string expected)
    {
        var settings = AccountsServer.StaticKeys();
        settings[key] = value;

        Assert.StartsWith(expected, await RefusalAsync(settings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_weak_or_foreign_key_is_refused_at_start_without_being_shown()
    {
        using var weak = RSA.Create(1024);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        (string Alg, string Pem, string Expected)[] cases = [
            ("RS256", TokenForge.Rsa.ExportPkcs8PrivateKeyPem(), "Auth:Keys:0:Pem holds a private key"),
            ("RS256", weak.ExportSubjectPublicKeyInfoPem(), "Auth:Keys:0:Pem: the RSA key has 1024 bits"),
            ("ES256", p384.ExportSubjectPublicKeyInfoPem(), "Auth:Keys:0:Pem: the EC key is not on the curve P-256")];
        foreach (var (alg, pem, expected) in cases)
        {
            var settings = AccountsServer.StaticKeys();
            settings["Auth:Keys:0:Alg"] = alg;
            settings["Auth:Keys:0:Pem"] = pem;

            var refusal = await RefusalAsync(settings);

            Assert.StartsWith(expected, refusal, StringComparison.Ordinal);
            Assert.DoesNotContain(pem[60..100], refusal, StringComparison.Ordinal);
        }
    }

    private static async Task<string> RefusalAsync(Dictionary<string, string?> settings, string environment = "Production") =>
        (await Assert.ThrowsAsync<OptionsValidationException>(() => AccountsServer.StartAsync(environment, settings))).Message;
}
