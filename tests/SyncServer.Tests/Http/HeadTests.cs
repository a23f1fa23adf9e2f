using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Http;

/// <summary>RFC 9110, 9.3.2: where GET is served, HEAD is.</summary>
public sealed class HeadTests
{
    [Theory]
    [InlineData("/v1/session")]
    [InlineData("members")]
    [InlineData("conflicts")]
    [InlineData("records/note")]
    [InlineData("sync/changes")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/problems/conflict")]
    public async Task HEAD_answers_what_GET_does_without_a_body(string path)
    {
        var phone = Device.New();
        var get = await phone.GetAsync(path);
        var head = await phone.SendAsync(HttpMethod.Head, path);
        Assert.Equal((get.Status, get.ContentType, get.Header("Cache-Control"), get.Header("ETag"), 0),
            (head.Status, head.ContentType, head.Header("Cache-Control"), head.Header("ETag"), head.Bytes.Length));
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/problems/conflict")]
    public async Task HEAD_needs_no_token_where_GET_needs_none(string path)
    {
        using var client = TestServers.A.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var response = await client.SendAsync(request);
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
    }
}
