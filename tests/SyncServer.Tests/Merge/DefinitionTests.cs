using System.Text.Json.Nodes;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Merge;

/// <summary>Protocol 4.1: what definitions demand of every state that is written, whoever asks.</summary>
[Collection(DefinedServersCollection.Name)]
public sealed class DefinitionTests(DefinedServers servers)
{
    [Theory]
    [InlineData("""{"title":null}""", "/title")]
    [InlineData("""{"title":1}""", "/title")]
    [InlineData("""{"points":1.5}""", "/points")]
    [InlineData("""{"code":"B"}""", "/code")]
    [InlineData("""{"surprise":1}""", "/surprise")]
    [InlineData("""{"status":"done"}""", "/status")]
    [InlineData("""{"status":"unheard"}""", "/status")]
    public async Task A_state_that_the_definition_refuses_is_rejected_stored_and_replayed(string patch, string pointer)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("ticket", """{"title":"a","code":"A"}""");
        var op = Op("update", id, 1, patch, entity: "ticket");
        var answer = await phone.PushAsync(op);
        Assert.Equal((422, "/problems/rejected", "1"), (answer.Status, answer["type"], answer["current.rev"]));
        Assert.Equal([pointer], answer.Body["errors"]!.AsArray().Select(error => error!["pointer"]!.ToString()));
        var repeat = await phone.PushAsync(op);
        Assert.Equal("true", repeat.Header("Idempotent-Replayed"));
        Assert.Equal(answer.Bytes, repeat.Bytes);
    }

    [Fact]
    public async Task Every_reason_is_named_and_a_create_that_is_refused_leaves_nothing()
    {
        var phone = New(servers.A);
        var id = NewId();
        var answer = await phone.WriteAsync("ticket", "create", id, (0, """{"points":"many","surprise":1}"""));
        Assert.Equal((422, null), (answer.Status, answer["current"]));
        Assert.Equal(["/points", "/surprise", "/title"],
            answer.Body["errors"]!.AsArray().Select(error => error!["pointer"]!.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(404, (await phone.ReadAsync("ticket", id)).Status);
    }

    [Fact]
    public async Task Defaults_are_filled_in_at_creation_only()
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("ticket", """{"title":"a"}""");
        AssertJson("""{"title":"a","points":1,"status":"open"}""", (await phone.ReadAsync("ticket", id)).Body["data"]!);
        var answer = await phone.WriteAsync("ticket", "update", id, (1, """{"points":null}"""));
        AssertJson("""{"title":"a","status":"open"}""", answer.Body["record"]!["data"]!);
    }

    [Fact]
    public async Task A_merged_state_that_skips_a_step_is_rejected()
    {
        var (phone, tablet, id) = await servers.A.WithRecordAsync("ticket", """{"title":"a"}""");
        Assert.Equal(200, (await phone.WriteAsync("ticket", "update", id, (1, """{"status":"doing"}"""))).Status);
        Assert.Equal(200, (await phone.WriteAsync("ticket", "update", id, (2, """{"status":"done"}"""))).Status);
        // The tablet saw "open": its step is allowed from there, and not from where the record is now.
        var late = await tablet.WriteAsync("ticket", "update", id, (1, """{"status":"doing"}"""));
        Assert.Equal((422, "/problems/rejected", "done"), (late.Status, late["type"], late["current.data.status"]));
    }

    [Theory]
    [InlineData("PUT", """{"title":"a","points":"many"}""")]
    [InlineData("PATCH", """{"points":"many"}""")]
    public async Task Plain_HTTP_is_held_to_the_definition_too(string method, string body)
    {
        var (phone, _, id) = await servers.A.WithRecordAsync("ticket", """{"title":"a"}""");
        var answer = await phone.SendAsync(new HttpMethod(method), $"records/ticket/{id}", body, ("Idempotency-Key", NewId()), ("If-Match", "\"rev-1\""),
            ("Content-Type", method == "PUT" ? "application/json" : "application/merge-patch+json"));
        Assert.Equal((422, "/problems/rejected", "1"), (answer.Status, answer["type"], answer["current.rev"]));
    }

    [Fact]
    public async Task The_session_publishes_the_definitions()
    {
        var session = (await New(servers.A).GetAsync("/v1/session")).Body;
        var declared = JsonNode.Parse(DefinedServers.Definitions)!["entities"]!;
        AssertJson(declared["locker"]!["unique"]!.ToJsonString(), session["entities"]!["locker"]!["unique"]!);
        Assert.Equal(declared.AsObject().Select(entity => entity.Key).Order(StringComparer.Ordinal),
            session["entities"]!.AsObject().Select(entity => entity.Key).Order(StringComparer.Ordinal));
        Assert.Equal(("3", "1"), (session["entities"]!["ticket"]!["version"]!.ToString(), session["entities"]!["ticket"]!["fields"]!["points"]!["default"]!.ToString()));
        Assert.Equal("10000", session["limits"]!["crdtUpdatesMax"]!.ToString());
    }
}
