using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace SyncServer.Tests.Http;

public sealed class RequestBodyTests(HttpProbe probe) : IClassFixture<HttpProbe>
{
    private static readonly byte[] Small = """{ "title": "Grüße" }"""u8.ToArray();

    /// <summary>GZipStream writes no byte for no byte; this is what gzip itself writes (RFC 1952).</summary>
    private static readonly byte[] GzipOfNothing = Convert.FromHexString("1f8b080000000000000303000000000000000000");

    [Theory]
    [InlineData("application/json")]
    [InlineData("Application/JSON; charset=UTF-8")]
    [InlineData("application/json;charset=\"utf-8\"")]
    public async Task A_JSON_body_arrives_as_it_was_sent(string type) =>
        Assert.Equal(Small, await EchoAsync(Content(Small, type)));

    [Theory]
    [InlineData("gzip")]
    [InlineData("GZIP")]
    [InlineData("x-gzip")]
    [InlineData("br")]
    [InlineData("identity")]
    public async Task A_compressed_body_arrives_decompressed(string coding) =>
        Assert.Equal(Small, await EchoAsync(Content(Compress(Small, coding), coding: coding)));

    [Fact]
    public async Task A_body_of_exactly_the_limit_is_taken_with_and_without_a_length()
    {
        var full = new byte[HttpProbe.BodyMax];
        Assert.Equal(full, await EchoAsync(Content(full)));
        Assert.Equal(full, await EchoAsync(Content(full), chunked: true));
        Assert.Equal(full, await EchoAsync(Content(Compress(full, "br"), coding: "br")));
    }

    [Theory]
    [InlineData("identity", false)]
    [InlineData("identity", true)]
    [InlineData("gzip", false)]
    [InlineData("br", true)]
    public async Task A_body_that_Kestrel_does_not_hold_at_once_arrives_whole(string coding, bool chunked)
    {
        var large = new byte[HttpProbe.LargeBodyMax];
        // Compressed it is still more than is held, and less than is taken.
        new Random(1).NextBytes(large.AsSpan(0, large.Length / 4 * 3));
        Assert.Equal(large, await EchoAsync(Content(Compress(large, coding), coding: coding), chunked, "/v1/large"));
    }

    [Theory]
    [InlineData(HttpProbe.BodyMax + 1, "identity", false)]
    [InlineData(HttpProbe.BodyMax + 1, "identity", true)]
    [InlineData(HttpProbe.BodyMax + 1, "gzip", false)]
    [InlineData(50_000_000, "gzip", true)]
    [InlineData(50_000_000, "br", false)]
    [InlineData(8_000_000, "identity", false)]
    [InlineData(8_000_000, "identity", true)]
    public async Task A_body_over_the_limit_is_413_before_and_after_decompression(int size, string coding, bool chunked) =>
        await RefusedAsync(Content(Compress(new byte[size], coding), coding: coding), 413, "too-large", chunked);

    [Fact]
    public async Task A_compressed_body_that_never_yields_a_byte_ends_at_the_limit()
    {
        var endless = Enumerable.Repeat(GzipOfNothing, HttpProbe.BodyMax).SelectMany(bytes => bytes).ToArray();
        await RefusedAsync(Content(endless, coding: "gzip"), 413, "too-large", chunked: true);
    }

    [Fact]
    public async Task A_body_that_Kestrel_itself_refuses_is_a_problem_too()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/raw") { Content = Content(new byte[40_000_000]) };
        request.Headers.ExpectContinue = true;

        var (response, problem) = await probe.ProblemAsync(request);

        Assert.Equal((413, "/problems/too-large"), ((int)response.StatusCode, problem.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task A_large_body_that_nobody_reads_does_not_hide_the_answer()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/unread") { Content = Content(new byte[8_000_000]) };

        var (response, _) = await probe.ProblemAsync(request);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/problem+json")]
    [InlineData("application/merge-patch+json")]
    [InlineData("application/json; charset=latin1")]
    [InlineData("json")]
    public async Task Another_or_no_content_type_is_415_and_names_the_right_one(string? type)
    {
        var response = await RefusedAsync(Content(Small, type), 415, "unsupported-media-type");
        Assert.Equal("application/json", response.Headers.GetValues("Accept").Single());
    }

    [Fact]
    public async Task A_route_for_merge_patches_takes_nothing_else()
    {
        using var patch = new HttpRequestMessage(HttpMethod.Patch, "/v1/body") { Content = Content(Small, "application/merge-patch+json") };
        using var accepted = await probe.Client.SendAsync(patch);
        Assert.Equal(Small, await accepted.Content.ReadAsByteArrayAsync());

        using var plain = new HttpRequestMessage(HttpMethod.Patch, "/v1/body") { Content = Content(Small) };
        var (refused, _) = await probe.ProblemAsync(plain);
        Assert.Equal((415, "application/merge-patch+json"),
            ((int)refused.StatusCode, refused.Headers.GetValues("Accept-Patch").Single()));
    }

    [Theory]
    [InlineData("deflate")]
    [InlineData("gzip, br")]
    [InlineData("zstd")]
    public async Task Another_coding_is_415_and_names_those_that_are_taken(string coding)
    {
        var response = await RefusedAsync(Content(Small, coding: coding), 415, "unsupported-media-type");
        Assert.Equal("gzip, br", response.Headers.GetValues("Accept-Encoding").Single());
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task Corrupt_and_truncated_compression_is_400(string coding)
    {
        var random = new byte[400];
        new Random(7).NextBytes(random);
        var whole = Compress(random, coding);
        foreach (var length in new[] { 1, 5, whole.Length / 2, whole.Length - 1 })
        {
            await RefusedAsync(Content(whole[..length], coding: coding), 400, "invalid-request");
        }

        await RefusedAsync(Content(Encoding.ASCII.GetBytes(new string('x', 300)), coding: coding), 400, "invalid-request");
    }

    [Fact]
    public async Task An_empty_body_is_400()
    {
        await RefusedAsync(Content([]), 400, "invalid-request");
        await RefusedAsync(Content([]), 400, "invalid-request", chunked: true);
        await RefusedAsync(Content(GzipOfNothing, coding: "gzip"), 400, "invalid-request");
        var answer = await probe.RawAsync("POST /v1/body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
    }

    private static ByteArrayContent Content(byte[] body, string? type = "application/json", string? coding = null)
    {
        var content = new ByteArrayContent(body);
        if (type is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        if (coding is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        }

        return content;
    }

    private static byte[] Compress(byte[] body, string coding)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = coding.ToLowerInvariant() switch
        {
            "gzip" or "x-gzip" => new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(compressed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BufferedStream(compressed),
        })
        {
            stream.Write(body);
            stream.Flush();
            return coding == "identity" ? body : Finish(stream, compressed);
        }
    }

    private static byte[] Finish(Stream stream, MemoryStream compressed)
    {
        stream.Dispose();
        return compressed.ToArray();
    }

    private async Task<byte[]> EchoAsync(HttpContent content, bool chunked = false, string path = "/v1/body")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await probe.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsByteArrayAsync();
    }

    private async Task<HttpResponseMessage> RefusedAsync(HttpContent content, int status, string slug, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/body") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        var (response, problem) = await probe.ProblemAsync(request);
        Assert.Equal((status, "/problems/" + slug), ((int)response.StatusCode, problem.GetProperty("type").GetString()));
        return response;
    }
}
