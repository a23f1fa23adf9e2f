using System.Net;
using Microsoft.Extensions.Configuration;
using SyncServer.Http;

namespace SyncServer.Tests.Http;

public sealed class RateLimitTests(HttpProbe probe) : IClassFixture<HttpProbe>
{
    [Fact]
    public async Task A_principal_over_its_burst_gets_429_and_others_go_on()
    {
        foreach (var left in new[] { 2, 1, 0 })
        {
            using var passed = await SendAsync("alice");
            Assert.Equal((HttpStatusCode.OK, $"\"default\";r={left};t={(3 - left) * 100}"), (passed.StatusCode, Header(passed, "RateLimit")));
            Assert.Equal("\"default\";q=3;w=300", Header(passed, "RateLimit-Policy"));
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/ok");
        request.Headers.Add("Probe-Principal", "alice");
        var (refused, problem) = await probe.ProblemAsync(request);
        Assert.Equal((429, "/problems/too-many-requests", "100", "\"default\";r=0;t=300"),
            ((int)refused.StatusCode, problem.GetProperty("type").GetString(), Header(refused, "Retry-After"), Header(refused, "RateLimit")));

        using var other = await SendAsync("bob");
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task An_error_tells_the_rate_limit_too()
    {
        using var failed = await SendAsync("carol", "/v1/throws/bug");
        Assert.Equal((HttpStatusCode.InternalServerError, "\"default\";r=2;t=100"), (failed.StatusCode, Header(failed, "RateLimit")));
    }

    [Fact]
    public async Task Anonymous_probes_are_not_limited()
    {
        for (var i = 0; i < 10; i++)
        {
            using var response = await probe.Client.GetAsync("/health/live");
            Assert.Equal((HttpStatusCode.OK, false), (response.StatusCode, response.Headers.Contains("RateLimit")));
        }
    }

    [Theory]
    [InlineData(null, null, true, null, 0)]
    [InlineData(null, null, false, 50.0, 200)]
    [InlineData("5", null, true, 5.0, 20)]
    [InlineData("0.1", null, true, 0.1, 1)]
    [InlineData(null, "7", true, 50.0, 7)]
    [InlineData("0", null, false, null, 0)]
    public void Limits_are_off_in_Development_unless_set(string? permits, string? burst, bool development, double? rate, int bucket)
    {
        Assert.Equal(rate is null ? null : new RateLimit(rate.Value, bucket), RateLimit.From(Settings(permits, burst), development));
    }

    [Theory]
    [InlineData("-1", null)]
    [InlineData("NaN", null)]
    [InlineData("1e9", null)]
    [InlineData("1e-9", null)]
    [InlineData("5", "0")]
    public void A_limit_that_makes_no_sense_stops_the_start(string? permits, string? burst) =>
        Assert.Throws<InvalidOperationException>(() => RateLimit.From(Settings(permits, burst), isDevelopment: false));

    private static IConfiguration Settings(string? permits, string? burst) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Sync:RateLimit:PermitsPerSecond"] = permits,
            ["Sync:RateLimit:Burst"] = burst,
        })
        .Build();

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).Single();

    private async Task<HttpResponseMessage> SendAsync(string principal, string path = "/v1/ok")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Probe-Principal", principal);
        return await probe.Client.SendAsync(request);
    }
}
