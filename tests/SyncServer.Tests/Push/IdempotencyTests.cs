using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>Protocol 3.3: a key, its first answer, and nothing but that answer.</summary>
public sealed class IdempotencyTests
{
    [Fact]
    public async Task A_repeat_after_a_lost_response_answers_the_first_bytes()
    {
        var phone = New();
        var op = Op("create", NewId(), 0, """{"title":"a","n":1.50}""");
        var first = await phone.PushAsync(op);
        var repeat = await phone.Other("phone", TestServers.B).PushAsync(op);

        Assert.Null(first.Header("Idempotent-Replayed"));
        Assert.Equal("true", repeat.Header("Idempotent-Replayed"));
        Assert.Equal(first.Bytes, repeat.Bytes);
        Assert.Equal(
            (first.Status, first.ContentType, first.Header("ETag"), first.Header("Location")),
            (repeat.Status, repeat.ContentType, repeat.Header("ETag"), repeat.Header("Location")));
        Assert.Single((await phone.PullAllAsync()).Changes);
    }

    [Fact]
    public async Task A_conflict_is_an_outcome_too_and_its_repeat_parks_nothing_more()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        await phone.Other("tablet").PushAsync("update", id, 1, """{"title":"b"}""");
        var op = Op("update", id, 1, """{"title":"c"}""");
        var first = await phone.PushAsync(op);
        var repeat = await phone.PushAsync(op);
        Assert.Equal((409, 409, "true"), (first.Status, repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        var parked = (await phone.PullAllAsync()).Changes.Single(change => change["entity"]!.ToString() == "$conflict");
        Assert.Single(parked["data"]!["ops"]!.AsArray());
    }

    [Fact]
    public async Task Repeats_that_arrive_together_at_two_servers_are_decided_once()
    {
        var phone = New();
        var op = Op("create", NewId(), 0, """{"title":"a"}""");
        await phone.PullAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(i => phone.Other("phone", i % 2 == 0 ? TestServers.A : TestServers.B).PushAsync(op)));

        Assert.Single(answers, answer => answer.Header("Idempotent-Replayed") is null);
        Assert.All(answers, answer => Assert.Equal((201, Encoding.UTF8.GetString(answers[0].Bytes)), (answer.Status, Encoding.UTF8.GetString(answer.Bytes))));
        Assert.Single((await phone.PullAllAsync()).Changes);
    }

    [Fact]
    public async Task The_key_may_stand_in_the_header_as_a_string_or_a_bare_token_or_in_the_body_or_in_both()
    {
        var phone = New();
        var id = NewId();
        var bare = $$"""{"entity":"note","entityId":"{{id}}","kind":"create","patch":{} }""";
        var both = $$"""{"opId":"k-1","entity":"note","entityId":"{{id}}","kind":"create","patch":{} }""";
        var first = await phone.PushAsync(bare, ("Idempotency-Key", "\"k-1\""));
        Assert.Equal((201, "k-1"), (first.Status, first["opId"]));
        foreach (var repeat in new[]
        {
            await phone.PushAsync(bare, ("Idempotency-Key", "k-1")),
            await phone.PushAsync(both),
            await phone.PushAsync(both, ("Idempotency-Key", "\"k-1\"")),
        })
        {
            Assert.Equal("true", repeat.Header("Idempotent-Replayed"));
        }

        var differ = await phone.PushAsync(both, ("Idempotency-Key", "\"k-2\""));
        Assert.Equal((400, "/problems/invalid-request"), (differ.Status, differ["type"]));
    }

    [Theory]
    [InlineData("\"\"", 400)]
    [InlineData("", 400)]
    [InlineData("\"unbalanced", 400)]
    [InlineData("\"a\", \"b\"", 400)]
    [InlineData("clé", 400)]
    public async Task A_malformed_key_is_400(string key, int status)
    {
        var answer = await New().PushAsync($$"""{"entity":"note","entityId":"a","kind":"create","patch":{} }""", ("Idempotency-Key", key));
        Assert.Equal((status, "application/problem+json"), (answer.Status, answer.ContentType));
    }

    [Fact]
    public async Task A_missing_key_is_400()
    {
        var answer = await New().PushAsync("""{"entity":"note","entityId":"a","kind":"create","patch":{}}""");
        Assert.Equal((400, "/problems/idempotency-key-missing", "</problems/idempotency-key-missing>; rel=\"describedby\""),
            (answer.Status, answer["type"], answer.Header("Link")));
        var tooLong = await New().PushAsync(Op("create", "a", 0, "{}", opId: new string('x', 256)));
        Assert.Equal((400, "/opId"), (tooLong.Status, tooLong.Body["errors"]![0]!["pointer"]!.ToString()));
    }

    [Fact]
    public async Task The_same_key_with_another_request_is_422_and_the_first_outcome_stays()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var op = Op("update", id, 1, """{"title":"b"}""", opId: "key");
        var first = await phone.PushAsync(op);
        foreach (var other in new[]
        {
            Op("update", id, 1, """{"title":"c"}""", opId: "key"),
            Op("update", id, 2, """{"title":"b"}""", opId: "key"),
            Op("update", NewId(), 1, """{"title":"b"}""", opId: "key"),
            Op("create", id, 0, """{"title":"b"}""", opId: "key"),
            Op("update", id, 1, """{"title":"b"}""", opId: "key", more: ""","dependsOn":["x"]"""),
        })
        {
            var reused = await phone.PushAsync(other);
            Assert.Equal((422, "/problems/idempotency-key-reused", "applied", "2"), (reused.Status, reused["type"], reused["state"], reused["rev"]));
        }

        Assert.Equal(422, (await phone.PushAsync(op, ("If-Match", "\"rev-1\""))).Status);
        Assert.Equal(first.Bytes, (await phone.PushAsync(op)).Bytes);
    }

    [Fact]
    public async Task Member_order_white_space_escapes_and_compression_make_no_other_request()
    {
        var phone = New();
        var id = NewId();
        var first = await phone.PushAsync($$"""{"opId":"k","entity":"note","entityId":"{{id}}","kind":"create","baseRev":0,"patch":{"a":1,"b":"x"},"n":1}""");
        var repeat = await phone.PushAsync($$"""{ "patch": { "b": "\u0078", "a": 1 }, "kind": "create", "entityId": "{{id}}",  "entity": "note", "opId": "k", "baseRev": 0, "n": 2, "attempt": 7 }""");
        Assert.Equal((201, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes($$"""{"opId":"k","entity":"note","entityId":"{{id}}","kind":"create","baseRev":0,"patch":{"a":1,"b":"x"} }"""));
        }

        using var client = TestServers.A.As(phone.Principal);
        using var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add("gzip");
        using var response = await client.PostAsync("/v1/spaces/me/sync/ops", content);
        Assert.Equal(first.Bytes, await response.Content.ReadAsByteArrayAsync());

        var otherNumber = await phone.PushAsync($$"""{"opId":"k","entity":"note","entityId":"{{id}}","kind":"create","baseRev":0,"patch":{"a":1.0,"b":"x"} }""");
        Assert.Equal(422, otherNumber.Status);
    }

    [Fact]
    public async Task Keys_of_other_principals_and_spaces_are_other_keys()
    {
        var op = Op("create", NewId(), 0, "{}", opId: "everybodys");
        Assert.Equal(201, (await New().PushAsync(op)).Status);
        Assert.Equal(201, (await New().PushAsync(op)).Status);
    }

    [Fact]
    public async Task Nothing_is_stored_for_what_was_never_decided()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        string Key(string patch, string more = "") => Op("update", id, 1, patch, opId: "same", more: more);
        foreach (var undecided in new[]
        {
            await phone.PushAsync(Key("[]")),
            await phone.PushAsync(Key("""{"a":{"$nope":1}}""")),
            await phone.PushAsync(Key("""{"a":1}""", ""","dependsOn":["missing"]""")),
            await phone.PushAsync(Key("""{"a":1}"""), ("Sync-Epoch", "another")),
            await phone.PushAsync(Op("update", NewId(), 1, """{"a":1}""", opId: "same")),
            await phone.PushAsync(Op("update", id, null, """{"a":1}""", opId: "same")),
        })
        {
            Assert.InRange(undecided.Status, 400, 499);
        }

        var decided = await phone.PushAsync(Key("""{"title":"b"}"""));
        Assert.Equal((200, null), (decided.Status, decided.Header("Idempotent-Replayed")));
    }

    [Fact]
    public async Task A_repeat_is_looked_up_before_preconditions_and_behind_authorisation()
    {
        var (phone, id) = await WithNoteAsync("""{"title":"a"}""");
        var op = Op("update", id, 1, """{"title":"b"}""");
        var first = await phone.PushAsync(op, ("If-Match", "\"rev-1\""));
        await phone.PushAsync("delete", id, 2);
        var repeat = await phone.PushAsync(op, ("If-Match", "\"rev-1\""), ("Sync-Epoch", "another"));
        Assert.Equal((200, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);

        using var nobody = TestServers.A.Anonymous();
        using var content = new StringContent(op, Encoding.UTF8, "application/json");
        using var refused = await nobody.PostAsync("/v1/spaces/me/sync/ops", content);
        Assert.Equal(401, (int)refused.StatusCode);
    }
}
