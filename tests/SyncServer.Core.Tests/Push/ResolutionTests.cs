using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Tests.Push;

/// <summary>What a resolution makes of ops that were parked together, and what it answers (protocol 7).</summary>
public sealed class ResolutionTests
{
    private const string Lockers = """{"fields":{"number":{"type":"string"},"colour":{"default":"grey"},"count":{} },"unique":["number"]}""";

    private readonly Space _space = Space.Of(Lockers);
    private readonly Client _alice;
    private readonly Client _bob;

    public ResolutionTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
    }

    [Fact]
    public void Mine_of_a_create_that_was_deleted_and_restored_makes_the_record_once_its_values_are_free()
    {
        _alice.Create("a1", """{"number":"7"}""", id: "other");
        var conflict = _bob.Create("b1", """{"number":"7","count":1}""")["/conflictId"]!;
        Assert.Equal("409 unique", _bob.Delete("b2", 0).Summary);
        Assert.Null(_space.Conflict(_bob)!["yours"]);
        Assert.Equal("409 unique", _bob.Restore("b3", 0).Summary);
        Assert.Equal("""{"number":"7","count":1}""", _space.Conflict(_bob)!["yours"]!.ToString());

        Assert.Equal("409 unique", _bob.Resolve("r1", conflict, "mine").Summary);
        _alice.Http("a2", OpKind.Delete, Precondition.Exactly(1), (new RecordKey("note", "other"), null, false), null);
        Assert.Equal("201 applied", _bob.Resolve("r2", conflict, "mine").Summary);
        Assert.Equal("""{"number":"7","count":1,"colour":"grey"}""", _space.Data());
    }

    [Fact]
    public void Mine_of_a_restore_that_was_taken_back_and_done_again_leaves_the_record_alive()
    {
        _alice.Create("a1", """{"count":1}""");
        var conflict = _bob.Restore("b1", 1)["/conflictId"]!;
        _bob.Delete("b2", 1);
        _bob.Restore("b3", 1);
        Assert.Equal("200 applied", _bob.Resolve("r1", conflict, "mine").Summary);
        Assert.Equal("""{"count":1,"colour":"grey"}""", _space.Data());
    }

    [Fact]
    public void Mine_is_rejected_where_a_parked_operator_meets_a_value_of_another_type_and_the_conflict_stays_open()
    {
        _alice.Create("a1", """{"count":1,"f":1}""");
        _alice.Update("a2", 1, """{"f":2}""");
        var conflict = _bob.Update("b1", 1, """{"f":3,"count":{"$inc":1}}""")["/conflictId"]!;
        _alice.Update("a3", 2, """{"count":"many"}""");
        var answer = _bob.Resolve("r1", conflict, "mine");
        Assert.Equal(("422 rejected", true), (answer.Summary, answer.Outcome.IsStored));
        Assert.Equal("\"/count\"", ((JsonObject)((JsonArray)answer["/errors"]!).Items[0])["pointer"]!.ToString());
        Assert.Equal(("\"open\"", 3L), (_space.Conflict(_bob)!["state"]!.ToString(), _space.Find()!.Rev));
        Assert.Equal("200 applied", _bob.Resolve("r2", conflict, "merge", """{"f":3}""").Summary);
    }

    [Theory]
    [InlineData("mine", null)]
    [InlineData("merge", """{"count":2}""")]
    public void An_edit_of_a_record_that_was_deleted_and_purged_brings_back_what_the_conflict_still_holds(string choice, string? patch)
    {
        _alice.Create("a1", """{"count":1,"f":1}""");
        _alice.Delete("a2", 1);
        var conflict = _bob.Update("b1", 1, """{"count":2}""")["/conflictId"]!;
        _space.PurgeData();
        _space.PurgeHistory();
        Assert.Equal("200 applied", _bob.Resolve("r1", conflict, choice, patch).Summary);
        Assert.Equal("""{"count":2,"f":1,"colour":"grey"}""", _space.Data());
    }

    [Theory]
    [InlineData("mine")]
    [InlineData("theirs")]
    public void The_answer_to_a_parked_delete_carries_the_ETag_of_the_record(string choice)
    {
        _alice.Create("a1", """{"count":1}""");
        _alice.Update("a2", 1, """{"count":2}""");
        var conflict = _bob.Delete("b1", 1)["/conflictId"]!;
        var answer = _bob.Resolve("r1", conflict, choice);
        Assert.Equal(("200 applied", _space.Find()!.ETag), (answer.Summary, answer.Outcome.ETag));
    }

    [Fact]
    public void The_answer_to_a_parked_create_carries_the_ETag_also_where_defaults_were_added()
    {
        _alice.Create("a1", """{"number":"7"}""", id: "other");
        var conflict = _bob.Create("b1", """{"number":"7"}""")["/conflictId"]!;
        _alice.Http("a2", OpKind.Delete, Precondition.Exactly(1), (new RecordKey("note", "other"), null, false), null);
        _bob.Resolve("r1", conflict, "mine").Is(201, $$"""
            {"opId":"r1","status":201,"result":"applied","record":{{Envelope.Live(1, "bob", "r1", """{"number":"7","colour":"grey"}""")}}}
            """);
    }

    [Fact]
    public void A_merge_whose_patch_no_record_needs_is_rejected_and_the_conflict_stays_open()
    {
        var space = new Space { Limits = new Limits { RecordBytesMax = 1000 } };
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "tablet"));
        alice.Create("a1", """{"f":1}""");
        var conflict = bob.Create("b1", """{"f":2}""")["/conflictId"]!;
        var nulls = $"{{{string.Join(',', Enumerable.Range(100, 500).Select(i => $"\"{i}\":null"))}}}";
        Assert.Equal("422 rejected", bob.Resolve("r1", conflict, "merge", nulls).Summary);
        Assert.Equal("\"open\"", space.Conflict(bob)!["state"]!.ToString());
    }

    [Fact]
    public void A_refusal_of_another_epoch_names_the_op()
    {
        _alice.Create("a1", "{}");
        var conflict = _bob.Create("b1", """{"count":2}""")["/conflictId"]!;
        var stranger = new Client(_space, "bob", "tablet") { Epoch = "another" };
        var answer = stranger.Resolve("r1", conflict, "mine");
        Assert.Equal(("410 resync-required", "\"r1\""), (answer.Summary, answer["/opId"]?.ToString()));
    }
}
