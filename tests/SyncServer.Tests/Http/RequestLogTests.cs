namespace SyncServer.Tests.Http;

public sealed class RequestLogTests(HttpProbe probe) : IClassFixture<HttpProbe>
{
    [Fact]
    public async Task A_request_is_one_line_without_query_token_or_principal()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/op?cursor=query-secret");
        request.Headers.Add("Probe-Principal", "alice");
        request.Headers.Add("Authorization", "Bearer token-secret");
        request.Headers.Add("Sync-Client", "notes/1.4.2");
        request.Headers.Add("Sync-Attempt", "2");
        request.Headers.Add("Sync-Outbox", "17");
        using var response = await probe.Client.SendAsync(request);

        var line = await probe.LineAsync("GET /v1/op answered 200");

        Assert.Matches(
            "^Information .* ms \\(route /v1/op, principal [0-9a-f]{16}, op op-7, client notes/1.4.2, attempt 2, outbox 17, "
            + "trace [0-9a-f]{32}\\)",
            line);
        Assert.Single(probe.LogLines, other => other.Contains("/v1/op", StringComparison.Ordinal));
        Assert.DoesNotContain(probe.LogLines, other => other.Contains("secret", StringComparison.Ordinal)
            || other.Contains("alice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Probes_are_logged_for_debugging_only()
    {
        using var response = await probe.Client.GetAsync("/health/live");
        Assert.StartsWith("Debug", await probe.LineAsync("GET /health/live answered 200"), StringComparison.Ordinal);
    }
}
