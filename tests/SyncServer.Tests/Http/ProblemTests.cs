using System.Net;
using SyncServer.Core;

namespace SyncServer.Tests.Http;

public sealed class ProblemTests(HttpProbe probe) : IClassFixture<HttpProbe>
{
    [Fact]
    public async Task A_rejection_is_a_problem_document_with_its_errors_and_extensions()
    {
        var (response, problem) = await probe.ProblemAsync(new(HttpMethod.Get, "/v1/rejected?secret=1"));

        var traceId = problem.GetProperty("traceId").GetString();
        Assert.Matches("^[0-9a-f]{32}$", traceId);
        Assert.Equal(
            """
            {"type":"/problems/rejected","title":"A declared rule or limit refuses the op","status":422,
            "detail":"Too \"long\" für <b>.","instance":"/v1/rejected","traceId":"TRACE",
            "errors":[{"pointer":"/patch/title","detail":"Too \"long\" für <b>."}],"opId":"op-1"}
            """.ReplaceLineEndings(""),
            problem.GetRawText().Replace(traceId!, "TRACE", StringComparison.Ordinal));
        Assert.Equal(
            (HttpStatusCode.UnprocessableEntity, "no-store", "\"rev-42\""),
            (response.StatusCode, response.Headers.CacheControl?.ToString(), response.Headers.ETag?.ToString()));
    }

    [Fact]
    public async Task A_problem_carries_the_trace_of_the_client()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/rejected");
        request.Headers.Add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

        var (_, problem) = await probe.ProblemAsync(request);

        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", problem.GetProperty("traceId").GetString());
    }

    [Fact]
    public async Task HEAD_gets_the_headers_of_a_problem_without_its_body()
    {
        var answer = await probe.RawAsync("HEAD /v1/rejected HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 422", answer, StringComparison.Ordinal);
        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/nowhere", 404, "not-found")]
    [InlineData("GET", "/v1/nowhere/at/all", 404, "not-found")]
    [InlineData("GET", "/problems/nothing-like-it", 404, "not-found")]
    [InlineData("GET", "/v1/bound?number=what-the-user-typed", 400, "invalid-request")]
    [InlineData("GET", "/v1/bound", 400, "invalid-request")]
    [InlineData("GET", "/v1/status/401", 401, "unauthorized")]
    [InlineData("GET", "/v1/status/403", 403, "forbidden")]
    [InlineData("GET", "/v1/status/406", 406, "not-acceptable")]
    [InlineData("GET", "/v1/status/408", 408, "request-timeout")]
    [InlineData("GET", "/v1/status/413", 413, "too-large")]
    [InlineData("GET", "/v1/status/415", 415, "unsupported-media-type")]
    [InlineData("GET", "/v1/status/429", 429, "too-many-requests")]
    [InlineData("GET", "/v1/status/431", 431, "headers-too-large")]
    [InlineData("GET", "/v1/status/500", 500, "internal")]
    [InlineData("GET", "/v1/status/503", 503, "unavailable")]
    [InlineData("DELETE", "/v1/ok", 405, "method-not-allowed")]
    public async Task A_bare_error_of_the_framework_becomes_a_problem(string method, string path, int status, string slug)
    {
        var (response, problem) = await probe.ProblemAsync(new(new HttpMethod(method), path));

        Assert.Equal(
            (status, status, "/problems/" + slug, true),
            ((int)response.StatusCode, problem.GetProperty("status").GetInt32(), problem.GetProperty("type").GetString(),
                response.Headers.CacheControl?.NoStore));
        Assert.DoesNotContain(HttpProbe.Secret, problem.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(status is 429 or 503, response.Headers.RetryAfter is not null);
        Assert.Equal(status is 401, response.Headers.WwwAuthenticate.ToString() == "Bearer");
        Assert.Equal(status is 405 ? "GET" : "", string.Join(',', response.Content.Headers.Allow));
    }

    [Theory]
    [InlineData("08006", "SqlState 08006")]
    [InlineData("25006", "SqlState 25006")]
    [InlineData("40P01", "SqlState 40P01")]
    [InlineData("53300", "SqlState 53300")]
    [InlineData("55P03", "SqlState 55P03")]
    [InlineData("57014", "SqlState 57014")]
    [InlineData("57P01", "SqlState 57P01")]
    [InlineData("wrapped", "SqlState 40001")]
    [InlineData("refused", "SocketException")]
    [InlineData("timeout", "TimeoutException")]
    [InlineData("canceled", "OperationCanceledException")]
    public async Task What_passes_by_itself_is_503_and_logged_without_its_message(string what, string cause)
    {
        var (response, problem) = await probe.ProblemAsync(new(HttpMethod.Get, "/v1/throws/" + what));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter?.Delta);
        var traceId = problem.GetProperty("traceId").GetString()!;
        Assert.Contains($"Cannot decide now: {cause} (trace {traceId})", await probe.LineAsync(traceId), StringComparison.Ordinal);
        Assert.DoesNotContain(probe.LogLines, line => line.Contains(HttpProbe.Secret, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bug", "System.InvalidOperationException")]
    [InlineData("23505", "Npgsql.PostgresException (SqlState 23505)")]
    public async Task A_bug_is_500_and_logged_once_with_its_stack_and_without_its_message(string what, string type)
    {
        var (response, problem) = await probe.ProblemAsync(new(HttpMethod.Get, "/v1/throws/" + what));

        Assert.Equal((HttpStatusCode.InternalServerError, "/problems/internal"),
            (response.StatusCode, problem.GetProperty("type").GetString()));
        var traceId = problem.GetProperty("traceId").GetString()!;
        await probe.LineAsync("answered 500");
        var line = Assert.Single(probe.LogLines, line => line.StartsWith("Error", StringComparison.Ordinal)
            && line.Contains(traceId, StringComparison.Ordinal));
        Assert.Contains("Unexpected " + type, line, StringComparison.Ordinal);
        Assert.Contains("HttpProbe.Throw", line, StringComparison.Ordinal);
        Assert.DoesNotContain(probe.LogLines, line => line.Contains(HttpProbe.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failure_after_the_answer_began_breaks_the_connection()
    {
        await Assert.ThrowsAsync<HttpRequestException>(() => probe.Client.GetStringAsync("/v1/breaks-off"));
    }

    [Fact]
    public async Task A_client_that_goes_away_is_no_error()
    {
        using var leaving = new CancellationTokenSource();
        var waiting = probe.Client.GetAsync("/v1/waits", HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        await probe.Waits;
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        Assert.StartsWith("Information", await probe.LineAsync("GET /v1/waits answered 499"), StringComparison.Ordinal);
        Assert.DoesNotContain(probe.LogLines, line => line.Contains("/v1/waits answered 5", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_type_of_problem_leads_to_a_page_with_cause_and_remedy()
    {
        foreach (var code in Enum.GetValues<ErrorCode>())
        {
            var page = await probe.Client.GetStringAsync(code.Info().Type);
            Assert.Matches("<h1>.+</h1>\n<p>.{20,}</p>", page);
        }

        Assert.Contains(
            "Remedy: pull again without a cursor.", await probe.Client.GetStringAsync("/problems/invalid-cursor"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_key_points_to_its_description()
    {
        var (response, problem) = await probe.ProblemAsync(new(HttpMethod.Get, "/v1/key"));

        Assert.Equal("/problems/idempotency-key-missing", problem.GetProperty("type").GetString());
        Assert.Equal(["</problems/idempotency-key-missing>; rel=\"describedby\""], response.Headers.GetValues("Link"));
    }

    [Theory]
    [InlineData("Idempotency-Key: \r\n")]
    [InlineData("Idempotency-Key: a\r\nIdempotency-Key: b\r\n")]
    [InlineData("Idempotency-Key: sch\u00fcssel\r\n")]
    public async Task A_bad_key_is_refused_with_a_problem_whatever_its_bytes(string header)
    {
        var answer = await probe.RawAsync($"GET /v1/key HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("/problems/idempotency-key-invalid", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/ok", "Authorization, Accept-Encoding")]
    [InlineData("/v1/nowhere", "Authorization")]
    [InlineData("/v1/throws/bug", "Authorization")]
    [InlineData("/v1/vary", "Accept-Encoding, Authorization")]
    [InlineData("/plain", "Accept-Encoding")]
    public async Task Answers_under_v1_vary_by_caller_and_none_is_sniffed(string path, string vary)
    {
        using var response = await probe.Client.GetAsync(path);

        Assert.Equal((vary, "nosniff"), (string.Join(", ", response.Headers.Vary), response.Headers.GetValues("X-Content-Type-Options").Single()));
    }
}
