using System.IO.Compression;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Http;

/// <summary>Codings of answers, and what they mean for validators (RFC 9110, 8.4 and 8.8).</summary>
public sealed class CompressionTests
{
    private static readonly string Text = string.Concat(Enumerable.Repeat("offline notes ", 300));

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_page_goes_compressed_to_who_takes_that_and_its_tag_is_weak_then(string coding)
    {
        var phone = await WithLongNoteAsync();
        var plain = await phone.PullAsync();
        var coded = await GetAsync(phone, "sync/changes", coding);
        Assert.Equal(plain.Bytes, Decode(coded, coding));
        Assert.True(coded.Bytes.Length * 4 < plain.Bytes.Length);
        Assert.Equal(("W/" + plain.Header("ETag"), "Accept-Encoding,Authorization"), (coded.Header("ETag"), Vary(coded)));
        Assert.Equal("Accept-Encoding,Authorization", Vary(plain));

        var head = await phone.SendAsync(HttpMethod.Head, "sync/changes", null, ("Accept-Encoding", coding));
        Assert.Equal((200, coded.Header("ETag"), 0), (head.Status, head.Header("ETag"), head.Bytes.Length));

        var rest = await phone.GetAsync($"sync/changes?cursor={plain["cursor"]}", ("Accept-Encoding", coding), ("If-None-Match", coded.Header("ETag")!));
        Assert.Equal(304, rest.Status);
    }

    [Fact]
    public async Task A_small_answer_goes_as_it_is()
    {
        var phone = await WithLongNoteAsync();
        var (_, cursor) = await phone.PullAllAsync();
        var idle = await GetAsync(phone, $"sync/changes?cursor={cursor}", "gzip");
        Assert.Equal(cursor, idle["cursor"]);
        Assert.StartsWith("\"", idle.Header("ETag"));
        Assert.Equal(410, (await GetAsync(phone, $"sync/changes?cursor={cursor}&entity=x", "gzip")).Status);
    }

    [Fact]
    public async Task A_record_keeps_its_bytes_and_its_strong_tag_whatever_the_client_takes()
    {
        var phone = await WithLongNoteAsync();
        var id = (await phone.PullAsync()).Body["changes"]![0]!["id"]!.ToString();
        var plain = await phone.GetAsync($"records/note/{id}");
        var read = await GetAsync(phone, $"records/note/{id}", "gzip, br");
        Assert.Equal(plain.Bytes, read.Bytes);
        Assert.Equal("\"rev-1\"", read.Header("ETag"));
        var written = await phone.SendAsync(HttpMethod.Put, $"records/note/{id}", """{"a":1}""",
            ("If-Match", read.Header("ETag")!), ("Idempotency-Key", NewId()), ("Accept-Encoding", "gzip"));
        Assert.Equal((200, "\"rev-2\""), (written.Status, written.Header("ETag")));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task A_replay_has_the_first_bytes_below_its_coding_and_the_strong_tag_of_the_record(string coding)
    {
        var phone = New();
        var op = Op("create", NewId(), 0, $$"""{"body":"{{Text}}"}""");
        var first = await phone.PushAsync(op);
        var again = await phone.PushAsync(op, ("Accept-Encoding", coding));
        Assert.Equal(first.Bytes, Decode(again, coding));
        Assert.Equal(("true", "\"rev-1\""), (again.Header("Idempotent-Replayed"), again.Header("ETag")));
    }

    [Fact]
    public async Task The_session_which_others_can_add_to_is_never_compressed()
    {
        var session = await GetAsync(New(), "/v1/session", "gzip, br");
        Assert.NotNull(session["epoch"]);
        Assert.Equal("Authorization", Vary(session));
    }

    private static async Task<Device> WithLongNoteAsync()
    {
        var phone = New();
        Assert.Equal(201, (await phone.PushAsync("create", NewId(), 0, $$"""{"body":"{{Text}}"}""")).Status);
        return phone;
    }

    private static Task<Answer> GetAsync(Device phone, string path, string codings) => phone.GetAsync(path, ("Accept-Encoding", codings));

    private static string Vary(Answer answer) =>
        string.Join(',', answer.Header("Vary")!.Split(',').Select(name => name.Trim()).Order(StringComparer.Ordinal));

    private static byte[] Decode(Answer answer, string coding)
    {
        using var coded = new MemoryStream(answer.Bytes);
        using Stream stream = coding == "br" ? new BrotliStream(coded, CompressionMode.Decompress) : new GZipStream(coded, CompressionMode.Decompress);
        using var decoded = new MemoryStream();
        stream.CopyTo(decoded);
        return decoded.ToArray();
    }
}
