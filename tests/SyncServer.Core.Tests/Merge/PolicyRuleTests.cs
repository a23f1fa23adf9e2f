using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Merge;

/// <summary>Definitions, unique values and rules in code, in pushes, over plain HTTP and in resolutions (protocol 4.1, 7).</summary>
public class PolicyRuleTests
{
    private const string Tasks = """
        {"fields":{"status":{"type":"string","merge":"lww","transitions":{"open":["done"],"done":["paid"],"paid":[]}},
                   "owner":{"type":"string","immutable":true},"title":{"required":true,"default":"untitled"},"f":{"merge":"review"}}}
        """;

    private sealed class NoWrites : IOpRule
    {
        public IEnumerable<FieldError> Check(OpStep step) =>
            step.After?["f"] is JsonString { Text: "refused" } ? [new FieldError("/f", "Not that.")] : [];
    }

    [Fact]
    public void A_create_gets_defaults_and_what_it_lacks_or_holds_wrongly_is_rejected()
    {
        var alice = Space.Of(Tasks).Client("alice", "phone");
        Assert.Equal("\"untitled\"", alice.Create("a1", """{"owner":"x"}""")["/record/data/title"]!.ToString());
        Assert.Equal("422 rejected", alice.Create("a2", """{"owner":1}""", id: "s").Summary);
        Assert.Equal("422 rejected", alice.Create("a3", """{"status":"lost"}""", id: "t").Summary);
        Assert.Equal("422 rejected", alice.Update("a4", 1, """{"title":null}""").Summary);
        Assert.Equal("422 rejected", alice.Update("a5", 1, """{"owner":"y"}""").Summary);
        Assert.Equal("200 applied", alice.Update("a6", 1, """{"unknown":1}""").Summary);
    }

    [Fact]
    public void A_merged_state_that_skips_a_step_is_rejected()
    {
        var space = Space.Of(Tasks);
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "phone"));
        alice.Create("a0", """{"status":"open"}""");
        bob.Update("b1", 1, """{"status":"done"}""");
        bob.Update("b2", 2, """{"status":"paid"}""");
        var answer = alice.Update("a1", 1, """{"status":"done"}""");
        Assert.Equal(("422 rejected", OutcomeState.Rejected), (answer.Summary, answer.Outcome.State));
        Assert.Equal(3, space.Find()!.Rev);
    }

    [Fact]
    public void Undeclared_fields_are_rejected_where_the_entity_takes_declared_ones_only()
    {
        var alice = Space.Of("""{"fields":{"a":{} },"additionalFields":false}""").Client("alice", "phone");
        Assert.Equal("422 rejected", alice.Create("a1", """{"a":1,"b":1}""").Summary);
        Assert.Equal("201 applied", alice.Create("a2", """{"a":1}""").Summary);
    }

    [Fact]
    public void A_rule_in_code_holds_in_pushes_over_plain_http_and_in_resolutions_and_its_refusal_leaves_the_conflict_open()
    {
        var space = Space.Of("{}", new NoWrites());
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "phone"));
        alice.Create("a0", """{"f":"x"}""");
        Assert.Equal("422 rejected", alice.Update("a1", 1, """{"f":"refused"}""").Summary);
        Assert.Equal("422 rejected", alice.Http("a2", OpKind.Update, Precondition.Exactly(1), """{"f":"refused"}""", replaces: true).Summary);
        bob.Update("b1", 1, """{"f":"y"}""");
        var parked = alice.Update("a3", 1, """{"f":"z"}""")["/conflictId"]!;
        Assert.Equal("422 rejected", bob.Resolve("x1", parked, "merge", """{"f":"refused"}""").Summary);
        Assert.NotNull(space.Conflict(alice));
        Assert.Equal("200 applied", bob.Resolve("x2", parked, "mine").Summary);
        Assert.Null(space.Conflict(alice));
        Assert.Equal("""{"f":"z"}""", space.Data());
    }

    [Fact]
    public void A_transition_holds_in_a_resolution_and_its_refusal_leaves_the_conflict_open()
    {
        var space = Space.Of(Tasks);
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "phone"));
        alice.Create("a0", """{"status":"open","f":1}""");
        bob.Update("b1", 1, """{"status":"done","f":2}""");
        bob.Update("b2", 2, """{"status":"paid"}""");
        var parked = alice.Update("a1", 1, """{"status":"done","f":3}""")["/conflictId"]!;
        Assert.Equal("422 rejected", bob.Resolve("x1", parked, "mine").Summary);
        Assert.NotNull(space.Conflict(alice));
        Assert.Equal("200 applied", bob.Resolve("x2", parked, "theirs").Summary);
    }

    [Fact]
    public void Unique_values_are_held_by_one_live_record_until_it_gives_them_up()
    {
        var space = Space.Of("""{"fields":{"email":{},"f":{} },"unique":[["email"]]}""");
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "phone"));
        string Op(string opId, string kind, string id, long rev, string patch) =>
            $$"""{{Client.Head(opId, kind, id)}},"baseRev":{{rev}}{{(patch.Length == 0 ? "" : $",\"patch\":{patch}")}}}""";
        alice.Create("a1", """{"email":"x"}""", id: "s");
        bob.Create("b1", """{"email":"y"}""", id: "t");
        Assert.Equal("409 unique", bob.One(Op("b2", "update", "t", 1, """{"email":"x"}""")).Summary);
        Assert.Equal("200 applied", bob.One(Op("b3", "update", "t", 1, """{"f":1}""")).Summary);
        Assert.Equal("200 applied", alice.One(Op("a2", "delete", "s", 1, "")).Summary);
        Assert.Equal("201 applied", alice.Create("a3", """{"email":"x"}""", id: "u").Summary);
        Assert.Equal("409 unique", alice.One(Op("a4", "restore", "s", 2, "")).Summary);
        Assert.Equal("""{"email":"y","f":1}""", space.Data("t"));
    }

    [Fact]
    public void A_batch_of_two_with_the_same_unique_value_applies_the_first_and_parks_the_second()
    {
        var space = Space.Of("""{"fields":{"email":{} },"unique":[["email"]]}""");
        var answers = space.Client("alice", "phone").Batch(
            $$$"""{{{Client.Head("a1", "create", "s")}}},"patch":{"email":"x"} }""", $$$"""{{{Client.Head("a2", "create", "t")}}},"patch":{"email":"x"} }""",
            $$$"""{{{Client.Head("a3", "create", "u")}}},"patch":{"email":"y"} }""");
        Assert.Equal(["201 applied", "409 unique", "201 applied"], answers.Select(answer => answer.Summary));
    }

    [Fact]
    public void A_create_parked_for_its_unique_value_is_resolved_by_a_merge_where_there_is_no_record()
    {
        var space = Space.Of("""{"fields":{"email":{} },"unique":[["email"]]}""");
        var alice = space.Client("alice", "phone");
        space.Client("bob", "phone").Create("b1", """{"email":"x"}""", id: "s");
        var parked = alice.Create("a1", """{"email":"x","f":1}""")["/conflictId"]!;
        Assert.Equal("409 unique", alice.Resolve("x0", parked, "mine").Summary);
        var answer = alice.Resolve("x1", parked, "merge", """{"email":"z","f":1}""", Precondition.NotExists);
        Assert.Equal(201, answer.Outcome.Status);
        Assert.Equal("""{"email":"z","f":1}""", space.Data());
        Assert.Equal("409 already-resolved", alice.Resolve("x2", parked, "theirs").Summary);
        Assert.Equal(answer.Outcome.Body.ToArray(), alice.Resolve("x1", parked, "merge", """{"email":"z","f":1}""", Precondition.NotExists).Outcome.Body.ToArray());
    }
}
