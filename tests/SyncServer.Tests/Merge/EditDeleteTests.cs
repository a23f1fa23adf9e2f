using SyncServer.Tests.Servers;
using static SyncServer.Tests.Push.OutcomeTests;

namespace SyncServer.Tests.Merge;

/// <summary>Protocol 4, <c>onEditDelete</c>: one device edits what another deletes.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class EditDeleteTests(DefinedServers servers)
{
    [Fact]
    public async Task Where_edits_win_a_late_edit_restores_the_record()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("draft", """{"title":"a","body":"x"}""");
        await tablet.WriteAsync("draft", "delete", id, (1, null));
        var answer = await phone.WriteAsync("draft", "update", id, (1, """{"title":"b"}"""));
        Assert.Equal((200, "merged", "3", "false"), (answer.Status, answer["result"], answer["record.rev"], answer["record.deleted"]));
        AssertJson("""{"title":"b","body":"x"}""", answer.Body["record"]!["data"]!);
        AssertJson("""[{"path":"/title","rule":"onEditDelete","base":"a","yours":"b","merged":"b"}]""", answer.Body["merge"]!);
    }

    [Fact]
    public async Task Where_edits_win_a_late_delete_changes_nothing()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("draft", """{"title":"a"}""");
        await tablet.WriteAsync("draft", "update", id, (1, """{"title":"b"}"""));
        var answer = await phone.WriteAsync("draft", "delete", id, (1, null));
        Assert.Equal((200, "merged", "2", "false"), (answer.Status, answer["result"], answer["record.rev"], answer["record.deleted"]));
        AssertJson("""[{"path":"/title","rule":"onEditDelete","base":"a","theirs":"b","merged":"b"}]""", answer.Body["merge"]!);
    }

    [Fact]
    public async Task Where_deletes_win_a_late_edit_goes_into_history_and_the_tombstone_stays()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("memo", """{"title":"a"}""");
        await tablet.WriteAsync("memo", "delete", id, (1, null));
        var answer = await phone.WriteAsync("memo", "update", id, (1, """{"title":"b"}"""));
        Assert.Equal((200, "merged", "true"), (answer.Status, answer["result"], answer["record.deleted"]));
        AssertJson("""[{"path":"/title","rule":"onEditDelete","base":"a","yours":"b"}]""", answer.Body["merge"]!);
        Assert.Equal(410, (await phone.ReadAsync("memo", id)).Status);
        AssertJson("""[{"path":"/title","before":"a","after":"b"}]""", (await phone.HistoryAsync("memo", id)).Body["history"]![0]!["changes"]!);
    }

    [Fact]
    public async Task Where_deletes_win_a_late_delete_deletes_and_reports_the_edit()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("memo", """{"title":"a"}""");
        await tablet.WriteAsync("memo", "update", id, (1, """{"title":"b"}"""));
        var answer = await phone.WriteAsync("memo", "delete", id, (1, null));
        Assert.Equal((200, "merged", "3", "true"), (answer.Status, answer["result"], answer["record.rev"], answer["record.deleted"]));
        AssertJson("""[{"path":"/title","rule":"onEditDelete","base":"a","theirs":"b"}]""", answer.Body["merge"]!);
    }

    [Theory]
    [InlineData("delete", "update", "/problems/deleted-elsewhere")]
    [InlineData("update", "delete", "/problems/edited-elsewhere")]
    public async Task Without_a_definition_somebody_is_asked(string first, string second, string problem)
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("undeclared", """{"title":"a"}""");
        Assert.Equal(200, (await WriteAsync(tablet, first)).Status);
        var answer = await WriteAsync(phone, second);
        Assert.Equal((409, problem), (answer.Status, answer["type"]));

        Task<Answer> WriteAsync(Device device, string kind) =>
            device.WriteAsync("undeclared", kind, id, (1, kind == "update" ? """{"title":"b"}""" : null));
    }
}
