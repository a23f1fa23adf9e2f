using SyncServer.Core.Spaces;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Records.RecordRequests;

namespace SyncServer.Tests.Records;

/// <summary>Idempotency of the plain routes (protocol 3.3).</summary>
public sealed class RecordReplayTests
{
    private static readonly (string Name, string Value) Key = ("Idempotency-Key", "\"the-key\"");

    [Fact]
    public async Task A_repeat_answers_the_first_bytes_whatever_happened_since()
    {
        var (phone, id) = await WithNoteAsync();
        var first = await phone.PutAsync(id, """{"title":"b","old":null}""", Match(1), Key);
        await phone.PutAsync(id, """{"title":"c"}""", Match(2));
        var repeat = await phone.Other("tablet").PutAsync(id, """ {"old": null, "title": "b"} """, Match(1), ("Idempotency-Key", "the-key"));

        Assert.Equal((200, null), (first.Status, first.Header("Idempotent-Replayed")));
        Assert.Equal((200, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        Assert.Equal(first.Header("ETag"), repeat.Header("ETag"));
        Assert.Equal("\"rev-3\"", (await phone.ReadAsync(id)).Header("ETag"));
    }

    [Fact]
    public async Task A_stored_refusal_is_repeated_too()
    {
        var (phone, id) = await WithNoteAsync();
        var first = await phone.DeleteAsync(id, Match(2), Key);
        await phone.PutAsync(id, "{}", Match(1));
        var repeat = await phone.DeleteAsync(id, Match(2), Key);
        Assert.Equal((412, 412, "true"), (first.Status, repeat.Status, repeat.Header("Idempotent-Replayed")));
        Assert.Equal(first.Bytes, repeat.Bytes);
        Assert.Equal("\"rev-2\"", (await phone.ReadAsync(id)).Header("ETag"));
    }

    [Fact]
    public async Task The_key_of_another_method_route_precondition_or_body_is_422()
    {
        var (phone, id) = await WithNoteAsync();
        await phone.PutAsync(id, """{"title":"b"}""", Match(1), Key);
        Answer[] others =
        [
            await phone.PutAsync(id, """{"title":"b"}""", Match(2), Key), await phone.PutAsync(id, """{"title":"b"}""", Key),
            await phone.PutAsync(id, """{"title":"c"}""", Match(1), Key), await phone.PutAsync(Device.NewId(), """{"title":"b"}""", Match(1), Key),
            await phone.PatchAsync(id, """{"title":"b"}""", Match(1), Key), await phone.DeleteAsync(id, Match(1), Key), await phone.RestoreAsync(id, Key),
        ];
        Assert.All(others, answer => Assert.Equal((422, "/problems/idempotency-key-reused", "applied", "2"),
            (answer.Status, answer["type"], answer["state"], answer["rev"])));
        Assert.Equal("\"rev-2\"", (await phone.ReadAsync(id)).Header("ETag"));
    }

    [Fact]
    public async Task A_key_is_the_same_under_me_and_under_the_id_of_the_space()
    {
        var (phone, id) = await WithNoteAsync();
        await phone.PutAsync(id, "{}", Match(1), Key);
        var repeat = await phone.In(await phone.SpaceIdAsync()).PutAsync(id, "{}", Match(1), Key);
        Assert.Equal((200, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
    }

    [Fact]
    public async Task The_role_comes_before_the_repeat()
    {
        var (phone, id) = await WithNoteAsync();
        var writer = await phone.MemberAsync(Role.Writer);
        Assert.Equal(200, (await writer.PutAsync(id, "{}", Match(1), Key)).Status);
        await RunAsync("UPDATE members SET role = 1 WHERE principal = $1", writer.Principal);
        Assert.Equal(403, (await writer.PutAsync(id, "{}", Match(1), Key)).Status);
        await RunAsync("DELETE FROM members WHERE principal = $1", writer.Principal);
        Assert.Equal(404, (await writer.PutAsync(id, "{}", Match(1), Key)).Status);
    }

    [Fact]
    public async Task Problems_of_a_write_name_its_path()
    {
        var (phone, id) = await WithNoteAsync();
        var answer = await phone.DeleteAsync(id, Match(2), Key);
        Assert.EndsWith($"/records/note/{id}", answer["instance"], StringComparison.Ordinal);
        Assert.Equal("the-key", answer["opId"]);
    }
}
