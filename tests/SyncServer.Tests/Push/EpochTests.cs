using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Sync-Epoch on every write (protocol 3.1): a client of another history changes nothing.</summary>
public sealed class EpochTests
{
    [Theory]
    [InlineData("POST", "/v1/spaces", """{"name":"Team"}""")]
    [InlineData("PUT", "members/bob", """{"role":"reader"}""")]
    [InlineData("DELETE", "members/bob", null)]
    [InlineData("DELETE", "/v1/spaces/{space}", null)]
    [InlineData("DELETE", "/v1/spaces/me", null)]
    [InlineData("POST", "conflicts/00000000-0000-0000-0000-000000000000/resolution", """{"choice":"theirs"}""")]
    [InlineData("PUT", "records/note/r", "{}")]
    [InlineData("DELETE", "records/note/r", null)]
    [InlineData("POST", "records/note/r/restore", null)]
    public async Task A_write_that_names_another_epoch_is_410_and_not_stored(string method, string path, string? body)
    {
        var (owner, space) = await New().SharedAsync();
        path = path.Replace("{space}", space, StringComparison.Ordinal);
        var (key, epoch) = (SpaceRequests.Key(null), (await owner.GetAsync("/v1/session"))["epoch"]!);
        var stale = await owner.SendAsync(new HttpMethod(method), path, body, key, ("If-Match", "*"), ("Sync-Epoch", "another"));
        Assert.Equal((410, "/problems/resync-required", "epoch", epoch), (stale.Status, stale["type"], stale["reason"], stale["epoch"]));

        var current = await owner.SendAsync(new HttpMethod(method), path, body, key, ("If-Match", "*"), ("Sync-Epoch", epoch));
        Assert.NotEqual(410, current.Status);
        Assert.Null(current.Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task A_repeat_is_answered_before_its_epoch_counts()
    {
        var owner = New();
        var key = SpaceRequests.Key(null);
        var first = await owner.SendAsync(HttpMethod.Post, "/v1/spaces", """{"name":"Team"}""", key);
        var repeat = await owner.SendAsync(HttpMethod.Post, "/v1/spaces", """{"name":"Team"}""", key, ("Sync-Epoch", "another"));
        Assert.Equal((201, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
    }
}
