using SyncServer.Core.Push;

namespace SyncServer.Core.Tests.Push;

/// <summary>What is applied as sent, and what is refused because of what the space holds (protocol 3.1, 3.2).</summary>
public class ApplyTests
{
    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public ApplyTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
    }

    [Fact]
    public void A_create_makes_the_first_revision()
    {
        var answer = _alice.Create("a1", """{"title":"A","tags":null}""");
        answer.Is(201, $$"""{"opId":"a1","status":201,"result":"applied","record":{{Envelope.Live(1, "alice", "a1", """{"title":"A"}""")}}}""");
        Assert.Equal("/v1/spaces/me/records/note/r", answer.Outcome.Location);
        Assert.Equal(OutcomeState.Applied, answer.Outcome.State);
    }

    [Fact]
    public void An_update_at_the_current_revision_is_applied_as_sent()
    {
        _alice.Create("a1", """{"title":"A","body":{"x":1,"y":2}}""");
        var answer = _bob.Update("b1", 1, """{"body":{"x":null,"z":3}}""");
        answer.Is(200, $$$"""{"opId":"b1","status":200,"result":"applied","record":{{{Envelope.Live(2, "bob", "b1", """{"title":"A","body":{"y":2,"z":3}}""")}}}}""");
        Assert.Null(answer.Outcome.Location);
    }

    [Fact]
    public void A_delete_leaves_a_tombstone_and_a_restore_brings_the_data_back()
    {
        _alice.Create("a1", """{"title":"A"}""");
        _alice.Delete("a2", 1).Is(200, $$"""{"opId":"a2","status":200,"result":"applied","record":{{Envelope.Tombstone(2, "alice", "a2")}}}""");
        _bob.Restore("b1", 2).Is(200, $$"""{"opId":"b1","status":200,"result":"applied","record":{{Envelope.Live(3, "bob", "b1", """{"title":"A"}""")}}}""");
    }

    [Fact]
    public void An_op_that_changes_nothing_makes_no_change()
    {
        _alice.Create("a1", """{"a":1}""");
        var same = $$"""{"opId":"b1","status":200,"result":"applied","record":{{Envelope.Live(1, "alice", "a1", """{"a":1}""")}}}""";
        _bob.Update("b1", 1, """{"a":1.0,"b":null}""").Is(200, same);
        _bob.Update("b2", 1, "{}").Is(200, same.Replace("b1", "b2", StringComparison.Ordinal));
        Assert.Equal(["a1"], _space.Changes.Select(change => change.OpId));
    }

    [Theory]
    [InlineData("update", ",\"patch\":{\"a\":1}")]
    [InlineData("delete", "")]
    [InlineData("restore", "")]
    public void An_op_on_an_id_that_never_existed_may_be_sent_again(string kind, string patch)
    {
        var op = $$"""{{Client.Head("a1", kind, "r")}},"baseRev":3{{patch}}}""";
        _alice.One(op).IsProblem(ErrorCode.RecordNotFound, stored: false);
        Assert.Null(_space.Find());
    }

    [Theory]
    [InlineData("update", ",\"patch\":{\"a\":2}")]
    [InlineData("delete", "")]
    [InlineData("restore", "")]
    public void An_op_that_needs_a_base_revision_and_has_none_is_428(string kind, string patch)
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.One($$"""{{Client.Head("a2", kind, "r")}}{{patch}}}""").IsProblem(ErrorCode.PreconditionRequired, stored: false,
            """{"errors":[{"pointer":"/baseRev","detail":"This op needs the revision that the user saw."}]}""");
    }

    [Theory]
    [InlineData("update", ",\"patch\":{\"a\":2}")]
    [InlineData("delete", "")]
    [InlineData("restore", "")]
    public void A_base_revision_above_the_current_one_asks_for_a_resync(string kind, string patch)
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.One($$"""{{Client.Head("a2", kind, "r")}},"baseRev":2{{patch}}}""").IsProblem(ErrorCode.ResyncRequired, stored: false,
            """{"reason":"ahead","epoch":"epoch-1"}""");
    }

    [Fact]
    public void Another_epoch_asks_for_a_resync_and_a_repeat_is_a_repeat_all_the_same()
    {
        var first = _alice.Create("a1", """{"a":1}""");
        var restored = new Client(_space, "alice", "phone") { Epoch = "epoch-0" };
        restored.Update("a2", 1, """{"a":2}""").IsProblem(ErrorCode.ResyncRequired, stored: false, """{"reason":"epoch","epoch":"epoch-1"}""");
        Assert.Equal(first.Outcome.Body.ToArray(), restored.Create("a1", """{"a":1}""").Outcome.Body.ToArray());
        Assert.Equal("200 applied", new Client(_space, "alice", "phone") { Epoch = Space.Epoch }.Update("a3", 1, """{"a":2}""").Summary);
    }

    [Fact]
    public void A_record_whose_data_would_be_too_large_is_rejected_for_good()
    {
        var space = new Space { Limits = new Limits { RecordBytesMax = 20 } };
        var alice = space.Client("alice", "phone");
        Assert.Equal("201 applied", alice.Create("a1", """{"title":"23456789"}""").Summary);
        var bob = space.Client("bob", "tablet");
        bob.Update("b1", 1, """{"title":"234567890"}""").IsProblem(ErrorCode.Rejected, stored: true,
            $$"""
            {"errors":[{"pointer":"","detail":"The record's data would be 21 bytes; the limit is 20."}],
             "current":{{Envelope.Live(1, "alice", "a1", """{"title":"23456789"}""")}},"etag":"\"rev-1\""}
            """);
        bob.Create("b2", """{"title":"a very long title"}""", id: "other").IsProblem(ErrorCode.Rejected, stored: true,
            """{"errors":[{"pointer":"","detail":"The record's data would be 29 bytes; the limit is 20."}]}""");
        Assert.Equal("200 applied", bob.Update("b3", 1, """{"title":"é345678"}""").Summary);
    }

    [Fact]
    public void A_restore_of_a_record_whose_data_was_purged_is_gone()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        _space.PurgeData();
        _alice.Restore("a3", 2).IsProblem(ErrorCode.Purged, stored: true,
            $$"""{"current":{{Envelope.Tombstone(2, "alice", "a2")}},"etag":"\"rev-2\""}""");
    }

    [Fact]
    public void A_purged_record_is_still_known()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        _space.PurgeData();
        _space.PurgeHistory();
        Assert.Equal("409 already-exists", _alice.Create("a3", """{"a":1}""").Summary);
        Assert.Equal("409 deleted-elsewhere", _bob.Update("b1", 1, """{"a":2}""").Summary);
        _space.Client("carol", "c").Delete("c1", 1).Is(200, $$"""{"opId":"c1","status":200,"result":"merged","record":{{Envelope.Tombstone(2, "alice", "a2")}},"merge":[]}""");
        Assert.Equal("410 purged", _space.Client("carol", "c").Restore("c2", 1).Summary);
    }
}
