using System.Security.Cryptography;
using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Accounts.TokenForge;

namespace SyncServer.Tests.Accounts;

public sealed class FetchedKeyTests
{
    private const string Unverified = "No key verifies the signature of the token";
    private static readonly TimeSpan AtOnce = TimeSpan.FromTicks(1);

    [Fact]
    public async Task Keys_are_fetched_once_at_start_and_serve_every_token()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa), Jwk(Ec)));
        await using var server = await AccountsServer.WithProviderAsync(provider);

        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims())));
        Assert.Equal(Answer.Of("bob"), await server.AskAsync(Es256(Claims("bob"))));
        Assert.Equal(Answer.Of("carol"), await server.AskAsync(Rs256(Claims("carol"), kid: null)));
        Assert.Equal(1, provider.Fetches);
    }

    [Fact]
    public async Task A_token_with_an_unknown_kid_fetches_the_keys_again()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa)));
        await using var server = await AccountsServer.WithProviderAsync(provider, AtOnce);
        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims())));

        provider.Document = Set(Jwk(Rsa), Jwk(OtherRsa, "next"));

        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims(), "next", OtherRsa)));
        Assert.Equal(2, provider.Fetches);
    }

    [Fact]
    public async Task However_many_unknown_kids_come_the_provider_is_asked_once_per_minimum_interval()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa)));
        await using var server = await AccountsServer.WithProviderAsync(provider);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => server.AskAsync(Rs256(Claims(), $"invented-{i}", OtherRsa))));

        Assert.All(answers, answer => Assert.Equal(Answer.Refused(Unverified), answer));
        Assert.Equal(1, provider.Fetches);
    }

    [Fact]
    public async Task A_bad_signature_under_a_known_kid_and_an_HS256_token_ask_nobody()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa)));
        await using var server = await AccountsServer.WithProviderAsync(provider, AtOnce);
        Assert.Equal(200, (await server.AskAsync(Rs256(Claims()))).Status);

        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Rs256(Claims(), "rsa", OtherRsa)));
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Hs256(Claims(), "invented")));
        Assert.Equal(1, provider.Fetches);
    }

    [Fact]
    public async Task A_fetch_that_fails_leaves_the_keys_as_they_were()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa)));
        await using var server = await AccountsServer.WithProviderAsync(provider, AtOnce);
        Assert.Equal(200, (await server.AskAsync(Rs256(Claims()))).Status);

        string?[] failures = [null, "not json", "{}", "[]", """{"keys":7}""", """{"keys":[]}"""];
        foreach (var document in failures)
        {
            provider.Document = document;
            var before = provider.Fetches;
            Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Rs256(Claims(), "unknown", OtherRsa)));
            Assert.Equal(before + 1, provider.Fetches);
            Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims())));
        }
    }

    [Fact]
    public async Task Until_the_first_keys_arrive_tokens_are_put_off_rather_than_refused()
    {
        await using var provider = await Provider.StartAsync(document: null);
        await using var server = await AccountsServer.WithProviderAsync(provider, AtOnce);

        var answer = await server.AskAsync(Rs256(Claims()));
        Assert.Equal((503, "", TimeSpan.FromSeconds(5)), (answer.Status, answer.Challenge, answer.RetryAfter?.Delta));
        Assert.Equal(new Answer(401, "Bearer", "", null), await server.AskAsync(token: null));
        Assert.Equal(Answer.Refused("The token is malformed"), await server.AskAsync("a.b"));

        provider.Document = Set(Jwk(Rsa));
        // The first may join a fetch that began before the provider was back; the second cannot.
        await server.AskAsync(Rs256(Claims()));
        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims())));
    }

    [Fact]
    public async Task Keys_are_fetched_again_periodically_and_a_withdrawn_key_ends_its_tokens()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa), Jwk(Ec)));
        await using var server = await AccountsServer.WithProviderAsync(provider, AtOnce, TimeSpan.FromMilliseconds(20));
        var token = Rs256(Claims());
        Assert.Equal(Answer.Of("alice"), await server.AskAsync(token));

        provider.Document = Set(Jwk(Ec));
        await Patience.UntilAsync(async () => (await server.AskAsync(token)).Status != 200, "the withdrawn key is not believed any more");
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(token));
    }

    [Fact]
    public async Task Keys_that_are_weak_symmetric_malformed_or_for_another_use_are_left_out()
    {
        using var weak = RSA.Create(1024);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var forEncryption = Jwk(OtherRsa, "encryption");
        forEncryption["use"] = "enc";
        var forPss = Jwk(OtherRsa, "pss");
        forPss["alg"] = "PS256";
        var offCurve = Jwk(Ec, "off-curve");
        offCurve["x"] = Encode(new byte[32]);
        await using var provider = await Provider.StartAsync(Set(
            new JsonObject { ["kty"] = "oct", ["kid"] = "hmac", ["k"] = Encode(Secret) },
            Jwk(weak, "weak"), forEncryption, forPss, offCurve, Jwk(p384, "p384"), 7, new JsonObject(), new JsonObject { ["kty"] = 7 },
            new JsonObject { ["kty"] = "RSA" }, new JsonObject { ["kty"] = "RSA", ["n"] = "!", ["e"] = "AQAB" },
            new JsonObject { ["kty"] = "EC", ["crv"] = "P-256" }, Jwk(Rsa)));
        await using var server = await AccountsServer.WithProviderAsync(provider);

        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims())));
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Hs256(Claims())));
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Rs256(Claims(), "weak", weak)));
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Rs256(Claims(), "encryption", OtherRsa)));
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Rs256(Claims(), "pss", OtherRsa)));
        Assert.Contains(server.Log.All, line => line.Contains("Took 1 keys", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_without_a_kid_is_tried_on_a_bounded_number_of_keys()
    {
        var strangers = Enumerable.Range(0, 8).Select(i => (JsonNode)Jwk(OtherRsa, $"other-{i}"));
        await using var provider = await Provider.StartAsync(Set([.. strangers, Jwk(Rsa)]));
        await using var server = await AccountsServer.WithProviderAsync(provider);

        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims())));
        Assert.Equal(Answer.Refused(Unverified), await server.AskAsync(Rs256(Claims(), kid: null)));
    }

    [Fact]
    public async Task A_published_key_without_a_kid_serves_tokens_that_name_an_unknown_one()
    {
        await using var provider = await Provider.StartAsync(Set(Jwk(Rsa, kid: null)));
        await using var server = await AccountsServer.WithProviderAsync(provider);

        Assert.Equal(Answer.Of("alice"), await server.AskAsync(Rs256(Claims(), "whatever")));
    }

    private static string Set(params JsonNode[] keys) => new JsonObject { ["keys"] = new JsonArray(keys) }.ToJsonString();
}
