using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using static SyncServer.Tests.Accounts.TokenForge;

namespace SyncServer.Tests.Accounts;

public sealed class SignedTokenTests : IAsyncLifetime
{
    private const string Unverified = "No key verifies the signature of the token";

    private AccountsServer _server = null!;

    public async Task InitializeAsync() => _server = await AccountsServer.WithKeysAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Each_algorithm_is_taken_from_its_own_key_with_and_without_a_kid()
    {
        string[] tokens = [Rs256(Claims()), Es256(Claims()), Hs256(Claims()), Rs256(Claims(), null), Es256(Claims(), null), Hs256(Claims(), null)];
        foreach (var token in tokens)
        {
            Assert.Equal(Answer.Of("alice"), await _server.AskAsync(token));
            Assert.Equal(Answer.Of("alice"), await _server.AskAsync(token));
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("RS384")]
    [InlineData("rs256")]
    public async Task An_algorithm_that_no_key_has_is_refused(string alg)
    {
        var token = Sign(Header(alg, "rsa"), Claims(), _ => []);

        Assert.Equal(Answer.Refused("The algorithm of the token is not accepted"), await _server.AskAsync(token));
    }

    [Fact]
    public async Task A_public_key_is_never_taken_for_a_shared_secret()
    {
        byte[][] guesses = [
            Encoding.ASCII.GetBytes(Rsa.ExportSubjectPublicKeyInfoPem()),
            Encoding.ASCII.GetBytes(Rsa.ExportSubjectPublicKeyInfoPem() + "\n"),
            Rsa.ExportSubjectPublicKeyInfo(),
            Rsa.ExportParameters(includePrivateParameters: false).Modulus!];
        foreach (var guess in guesses)
        {
            Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Hs256(Claims(), "rsa", guess)));
            Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Hs256(Claims(), null, guess)));
        }
    }

    [Fact]
    public async Task A_token_that_names_the_key_of_another_algorithm_is_refused()
    {
        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Es256(Claims(), "rsa")));
        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Hs256(Claims(), "ec")));
    }

    [Fact]
    public async Task A_token_signed_by_a_stranger_or_changed_on_the_way_is_refused()
    {
        var parts = Rs256(Claims()).Split('.');
        var otherClaims = Rs256(Claims("mallory")).Split('.')[1];

        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Rs256(Claims(), "rsa", OtherRsa)));
        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Rs256(Claims(), "unknown")));
        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(Rs256(Claims(), null, OtherRsa)));
        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync($"{parts[0]}.{otherClaims}.{parts[2]}"));
        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync($"{parts[0]}.{parts[1]}."));
    }

    [Fact]
    public async Task An_elliptic_signature_in_DER_form_is_refused()
    {
        var token = Sign(Header("ES256", "ec"), Claims(), signed =>
            Ec.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

        Assert.Equal(Answer.Refused(Unverified), await _server.AskAsync(token));
    }

    [Fact]
    public async Task A_critical_extension_is_refused()
    {
        var header = Header("HS256", "hmac");
        header["crit"] = new JsonArray("b64");

        Assert.Equal(
            Answer.Refused("The token needs an extension that this server does not know"),
            await _server.AskAsync(Sign(header, Claims(), Hmac)));
    }

    [Fact]
    public async Task Expiry_and_beginning_are_kept_to_within_a_minute_of_clock_skew()
    {
        var clock = new StandingClock();
        await using var server = await AccountsServer.WithKeysAsync(clock);
        var now = clock.Now.ToUnixTimeSeconds();
        Task<Answer> AskWithAsync(string claim, JsonNode value) => server.AskAsync(Hs256(With(claim, value)));

        Assert.Equal(Answer.Of("alice"), await AskWithAsync("exp", now - 59));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("exp", now - 59.5));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("exp", 1e300));
        Assert.Equal(Answer.Refused("The token has expired"), await AskWithAsync("exp", now - 61));
        Assert.Equal(Answer.Refused("The token has expired"), await AskWithAsync("exp", -1));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("nbf", now + 59));
        Assert.Equal(Answer.Refused("The token is not valid yet"), await AskWithAsync("nbf", now + 61));
        Assert.Equal(Answer.Refused("The token has no expiry"), await AskWithoutAsync("exp"));
        Assert.Equal(Answer.Refused("The token is malformed"), await AskWithAsync("exp", JsonNode.Parse("1e400")!));
        Assert.Equal(Answer.Refused("The token is malformed"), await AskWithAsync("exp", "soon"));
        Assert.Equal(Answer.Refused("The token is malformed"), await AskWithAsync("nbf", "soon"));
    }

    [Fact]
    public async Task A_token_of_another_issuer_or_audience_is_refused()
    {
        const string issuer = "The token is from another issuer";
        const string audience = "The token is for another audience";

        Assert.Equal(Answer.Refused(issuer), await AskWithAsync("iss", Issuer + "/"));
        Assert.Equal(Answer.Refused(issuer), await AskWithoutAsync("iss"));
        Assert.Equal(Answer.Refused(audience), await AskWithAsync("aud", "other"));
        Assert.Equal(Answer.Refused(audience), await AskWithAsync("aud", new JsonArray("other", 1)));
        Assert.Equal(Answer.Refused(audience), await AskWithoutAsync("aud"));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("aud", new JsonArray("other", Audience)));
    }

    [Fact]
    public async Task A_token_needs_a_subject_that_can_be_a_principal()
    {
        var refused = Answer.Refused("The token has no subject of 1 to 255 characters without control characters");

        Assert.Equal(refused, await AskWithoutAsync("sub"));
        Assert.Equal(refused, await AskWithAsync("sub", ""));
        Assert.Equal(refused, await AskWithAsync("sub", new string('a', 256)));
        Assert.Equal(refused, await AskWithAsync("sub", "a\u0000b"));
        Assert.Equal(refused, await AskWithAsync("sub", "a\nb"));
        Assert.Equal(Answer.Refused("The token is malformed"), await AskWithAsync("sub", 7));
        Assert.Equal(Answer.Of("auth0|žofie:1"), await AskWithAsync("sub", "auth0|žofie:1"));
        Assert.Equal(Answer.Of(new string('a', 255)), await AskWithAsync("sub", new string('a', 255)));
    }

    [Fact]
    public async Task The_admin_role_makes_an_operator_whether_string_or_array()
    {
        Assert.Equal(Answer.Of("alice", isOperator: true), await AskWithAsync("role", "admin"));
        Assert.Equal(Answer.Of("alice", isOperator: true), await AskWithAsync("role", new JsonArray("user", "admin")));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("role", "user,admin"));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("role", new JsonArray("Admin", true)));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("role", true));
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("roles", "admin"));
    }

    [Theory]
    [InlineData("{}", "[]")]
    [InlineData("""{"alg":7}""", "{}")]
    [InlineData("[]", "{}")]
    [InlineData("""{"alg":"HS256"}""", "[]")]
    [InlineData("""{"alg":"HS256"}""", """{"iss":"\ud800"}""")]
    public async Task Content_of_an_unexpected_shape_is_refused(string header, string claims)
    {
        var answer = await _server.AskAsync(Sign(header, claims, Hmac));

        Assert.Equal(401, answer.Status);
        Assert.Contains("error=\"invalid_token\"", answer.Challenge, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_that_stands_twice_and_deep_nesting_are_refused_in_a_token_that_is_good_otherwise()
    {
        const string header = """{"alg":"HS256"}""";
        var good = Claims().ToJsonString();
        var deep = new string('[', 16) + new string(']', 16);

        Assert.Equal(Answer.Of("alice"), await _server.AskAsync(Sign(header, good, Hmac)));
        Assert.Equal(Answer.Refused("The token is malformed"), await _server.AskAsync(Sign("""{"alg":"HS256","alg":"HS256"}""", good, Hmac)));
        Assert.Equal(Answer.Refused("The token is malformed"), await _server.AskAsync(Sign(header, good[..^1] + ",\"sub\":\"alice\"}", Hmac)));
        Assert.Equal(Answer.Refused("The token is malformed"), await _server.AskAsync(Sign(header, good[..^1] + $",\"a\":{deep}}}", Hmac)));
    }

    [Fact]
    public async Task What_is_not_three_parts_of_base64url_is_refused()
    {
        var good = Hs256(Claims());
        string[] tokens = ["x", "a.b", "..", "a.b.c.d", good + ".x", good + "=", good.Replace(".", "%2E", StringComparison.Ordinal)];
        foreach (var token in tokens)
        {
            Assert.Equal(Answer.Refused("The token is malformed"), await _server.AskAsync(token));
        }
    }

    [Fact]
    public async Task A_token_has_at_most_8_KiB()
    {
        Assert.Equal(Answer.Of("alice"), await AskWithAsync("pad", new string('x', 5_000)));
        Assert.Equal(Answer.Refused("The token is too long"), await AskWithAsync("pad", new string('x', 7_000)));
    }

    [Fact]
    public async Task No_token_stands_in_the_log()
    {
        string[] tokens = [Rs256(Claims()), Rs256(Claims(), "rsa", OtherRsa), "a.b.c"];
        foreach (var token in tokens)
        {
            await _server.AskAsync(token);
        }

        Assert.Contains(_server.Log.All, line => line.Contains("No key verifies", StringComparison.Ordinal));
        Assert.DoesNotContain(_server.Log.All, line => tokens.Any(token => line.Contains(token.Split('.')[1] + ".", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_token_that_was_accepted_once_still_expires()
    {
        var clock = new ShiftedClock();
        await using var server = await AccountsServer.WithKeysAsync(clock);
        var token = Rs256(Claims());

        Assert.Equal(Answer.Of("alice"), await server.AskAsync(token));
        clock.Ahead = TimeSpan.FromMinutes(12);
        Assert.Equal(Answer.Refused("The token has expired"), await server.AskAsync(token));
    }

    [Fact]
    public async Task Several_issuers_audiences_and_another_admin_claim_can_be_named()
    {
        var settings = AccountsServer.StaticKeys();
        settings["Auth:Issuers:0"] = "https://second.example";
        settings["Auth:Audiences:0"] = "second";
        settings["Auth:AdminClaim"] = "groups";
        settings["Auth:AdminValue"] = "ops";
        await using var server = await AccountsServer.StartAsync("Production", settings);
        var claims = Claims();
        claims["iss"] = "https://second.example";
        claims["aud"] = "second";
        claims["groups"] = new JsonArray("ops");
        claims["role"] = "admin";

        Assert.Equal(Answer.Of("alice", isOperator: true), await server.AskAsync(Es256(claims)));
        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Es256(Claims())));
    }

    private static byte[] Hmac(byte[] signed) => HMACSHA256.HashData(Secret, signed);

    private static JsonObject With(string claim, JsonNode value)
    {
        var claims = Claims();
        claims[claim] = value;
        return claims;
    }

    private Task<Answer> AskWithAsync(string claim, JsonNode value) => _server.AskAsync(Hs256(With(claim, value)));

    private Task<Answer> AskWithoutAsync(string claim)
    {
        var claims = Claims();
        claims.Remove(claim);
        return _server.AskAsync(Hs256(claims));
    }
}
