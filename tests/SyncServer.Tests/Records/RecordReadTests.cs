using SyncServer.Core.Spaces;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Records.RecordRequests;

namespace SyncServer.Tests.Records;

public sealed class RecordReadTests
{
    [Fact]
    public async Task A_record_is_read_as_its_envelope_with_its_ETag()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync("""{"title":"a","n":1.50}""");
        var answer = await phone.ReadAsync(id);

        Assert.Equal((200, "\"rev-1\"", "application/json"), (answer.Status, answer.Header("ETag"), answer.ContentType));
        Assert.Equal(("private, no-cache", "Authorization"), (answer.Header("Cache-Control"), answer.Header("Vary")));
        Assert.Equal($$$"""
            {"entity":"note","id":"{{{id}}}","rev":1,"deleted":false,"updatedAtServer":"{{{answer["updatedAtServer"]}}}","updatedBy":"{{{phone.Principal}}}","opId":"{{{answer["opId"]}}}","data":{"title":"a","n":1.50}}
            """, System.Text.Encoding.UTF8.GetString(answer.Bytes));
    }

    [Theory]
    [InlineData("\"rev-1\"", 304)]
    [InlineData("W/\"rev-1\"", 304)]
    [InlineData("\"other\", \"rev-1\"", 304)]
    [InlineData("*", 304)]
    [InlineData("\"rev-2\"", 200)]
    [InlineData("rev-1", 400)]
    [InlineData("", 400)]
    public async Task If_None_Match_compares_weakly(string tags, int status)
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var answer = await phone.ReadAsync(id, ("If-None-Match", tags));
        Assert.Equal(status, answer.Status);
        if (status == 304)
        {
            Assert.Equal(("\"rev-1\"", "private, no-cache", "Authorization", 0),
                (answer.Header("ETag"), answer.Header("Cache-Control"), answer.Header("Vary"), answer.Bytes.Length));
        }
    }

    [Fact]
    public async Task A_deleted_record_is_410_with_its_tombstone_whatever_the_client_holds()
    {
        var (phone, id) = await WithTombstoneAsync();
        foreach (var answer in new[] { await phone.ReadAsync(id), await phone.ReadAsync(id, ("If-None-Match", "\"rev-2\"")) })
        {
            Assert.Equal((410, "/problems/gone", "\"rev-2\"", "\"rev-2\""), (answer.Status, answer["type"], answer.Header("ETag"), answer["etag"]));
            Assert.Equal((id, "2", "true", null), (answer["current.id"], answer["current.rev"], answer["current.deleted"], answer["current.data"]));
        }
    }

    [Fact]
    public async Task An_id_that_never_existed_is_404()
    {
        var answer = await Device.New().ReadAsync(Device.NewId());
        Assert.Equal((404, "/problems/record-not-found", null), (answer.Status, answer["type"], answer.Header("ETag")));
    }

    [Fact]
    public async Task HEAD_answers_the_headers_of_GET_alone()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        using var client = TestServers.A.As(phone.Principal);
        var path = $"/v1/spaces/me/records/note/{id}";
        using var get = await client.GetAsync(path);
        using var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));

        Assert.Equal((200, "\"rev-1\""), ((int)head.StatusCode, head.Headers.ETag!.ToString()));
        Assert.Equal(get.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        Assert.Equal(404, (await phone.SendAsync(HttpMethod.Head, $"records/note/{Device.NewId()}")).Status);
        Assert.Equal(200, (await phone.SendAsync(HttpMethod.Head, "records/note")).Status);
    }

    [Theory]
    [InlineData("records/1note/a")]
    [InlineData("records/no.te/a")]
    [InlineData("records/$note/a")]
    [InlineData("records/note/a%2Fb")]
    [InlineData("records/note/a%20b")]
    [InlineData("records/note/%C3%A9")]
    [InlineData("records/note/a%01")]
    [InlineData("records/1note")]
    [InlineData("records/$note")]
    [InlineData("records/note/a,b/history")]
    public async Task Malformed_names_are_400(string path)
    {
        var answer = await Device.New().GetAsync(path);
        Assert.Equal((400, "/problems/invalid-request"), (answer.Status, answer["type"]));
    }

    [Fact]
    public async Task The_longest_names_are_read_and_longer_ones_refused()
    {
        var phone = Device.New();
        Assert.Equal(404, (await phone.GetAsync($"records/{new string('e', 64)}/{new string('i', 128)}")).Status);
        Assert.Equal(400, (await phone.GetAsync($"records/{new string('e', 65)}/i")).Status);
        Assert.Equal(400, (await phone.GetAsync($"records/e/{new string('i', 129)}")).Status);
    }

    [Fact]
    public async Task A_space_is_404_to_those_outside_and_readers_may_read_and_not_write()
    {
        var (phone, id) = await RecordRequests.WithNoteAsync();
        var space = await phone.SpaceIdAsync();
        foreach (var outside in new[] { Device.New().In(space), Device.New().In(Device.NewId()), Device.New().In("nowhere") })
        {
            Answer[] answers =
            [
                await outside.ReadAsync(id), await outside.ReadAsync(Device.NewId()), await outside.GetAsync("records/note"),
                await outside.GetAsync($"records/note/{id}/history"), await outside.PutAsync(id, "{}"), await outside.DeleteAsync(id, Match(1)),
            ];
            Assert.All(answers, answer => Assert.Equal((404, "/problems/not-found"), (answer.Status, answer["type"])));
        }

        var reader = await phone.MemberAsync(Role.Reader);
        Assert.Equal(200, (await reader.ReadAsync(id)).Status);
        Assert.Equal(200, (await reader.GetAsync("records/note")).Status);
        Assert.Equal(200, (await reader.GetAsync($"records/note/{id}/history")).Status);
        Answer[] writes =
        [
            await reader.PutAsync(id, "{}", Match(1)), await reader.PutAsync(id, "{}"), await reader.PatchAsync(id, "{}", Match(9)),
            await reader.DeleteAsync(id, Match(1)), await reader.RestoreAsync(id),
        ];
        Assert.All(writes, answer => Assert.Equal((403, "/problems/forbidden"), (answer.Status, answer["type"])));
        Assert.Equal(200, (await (await phone.MemberAsync(Role.Writer)).PutAsync(id, "{}", Match(1))).Status);
    }

    [Fact]
    public async Task Live_records_are_listed_by_id_page_by_page()
    {
        var phone = Device.New();
        foreach (var id in new[] { "c", "a", "B", "e", "d" })
        {
            await phone.PutAsync(id, $$"""{"name":"{{id}}"}""", New);
        }

        await phone.DeleteAsync("c", Match(1));
        await phone.SendAsync(HttpMethod.Put, "records/task/b", "{}", New, ("Idempotency-Key", "task"));

        var first = await phone.GetAsync("records/note?limit=3");
        Assert.Equal((200, "true", "private, no-cache"), (first.Status, first["hasMore"], first.Header("Cache-Control")));
        Assert.Equal(["B", "a", "d"], first.Body["records"]!.AsArray().Select(record => record!["id"]!.ToString()));
        Assert.Equal((await phone.ReadAsync("B")).Body.ToJsonString(), first.Body["records"]![0]!.ToJsonString());

        var second = await phone.GetAsync($"records/note?limit=3&cursor={first["cursor"]}");
        Assert.Equal(["e"], second.Body["records"]!.AsArray().Select(record => record!["id"]!.ToString()));
        Assert.Equal(("false", null), (second["hasMore"], second["cursor"]));
        AssertJson("""{"records":[],"hasMore":false}""", (await phone.GetAsync("records/nothing")).Body);
    }

    [Fact]
    public async Task A_page_of_records_ends_at_its_bytes()
    {
        var phone = Device.New();
        foreach (var id in new[] { "a", "b", "c", "d", "e" })
        {
            await phone.PutAsync(id, $$"""{"body":"{{new string('x', 250_000)}}"}""", New);
        }

        var first = await phone.GetAsync("records/note");
        Assert.Equal("a b c d", string.Join(' ', first.Body["records"]!.AsArray().Select(record => record!["id"])));
        var second = await phone.GetAsync($"records/note?cursor={first["cursor"]}");
        Assert.Equal("e", string.Join(' ', second.Body["records"]!.AsArray().Select(record => record!["id"])));
        Assert.Equal(("true", "false"), (first["hasMore"], second["hasMore"]));
    }

    [Theory]
    [InlineData("?limit=0", "invalid-request")]
    [InlineData("?limit=", "invalid-request")]
    [InlineData("?limit=x", "invalid-request")]
    [InlineData("?cursor=", "invalid-cursor")]
    [InlineData("?cursor=%20", "invalid-cursor")]
    [InlineData("?cursor=YQ==", "invalid-cursor")]
    [InlineData("?cursor=YR", "invalid-cursor")]
    [InlineData("?cursor=LCw", "invalid-cursor")]
    [InlineData("?cursor=YQ&cursor=YQ", "invalid-cursor")]
    public async Task A_malformed_page_is_400(string query, string problem)
    {
        foreach (var list in new[] { "records/note", "conflicts" })
        {
            var answer = await Device.New().GetAsync(list + query);
            Assert.Equal((400, $"/problems/{problem}"), (answer.Status, answer["type"]));
        }
    }
}
