using SyncServer.Core.Push;

namespace SyncServer.Core.Tests.Push;

/// <summary>Creates, deletes and restores that meet what others did (protocol 3.2).</summary>
public class DeleteTests
{
    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public DeleteTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
        _alice.Create("a1", """{"a":1,"b":1}""");
    }

    [Fact]
    public void An_edit_of_a_deleted_record_is_parked()
    {
        _alice.Delete("a2", 1);
        _bob.Update("b1", 1, """{"a":2}""").IsProblem(ErrorCode.DeletedElsewhere, stored: true, $$"""
            {"conflictId":"C1","current":{{Envelope.Tombstone(2, "alice", "a2")}},"etag":"\"rev-2\"",
             "conflicts":[{"path":"/a","rule":"onEditDelete","base":1,"yours":2}]}
            """);
        Answer.Same(Worlds.Parsed("""
            {"conflictId":"C1","state":"open","kind":"deleted-elsewhere","entity":"note","id":"r",
             "ops":[{"opId":"b1","kind":"update","baseRev":1,"patch":{"a":2},"at":"2026-11-20T10:15:00.123Z"}],
             "by":"bob","device":"tablet","base":{"a":1,"b":1},"yours":{"a":2,"b":1},
             "conflicts":[{"path":"/a","rule":"onEditDelete","base":1,"yours":2}]}
            """), _space.Conflict(_bob)!);
    }

    [Fact]
    public void A_delete_of_an_edited_record_is_parked()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _bob.Delete("b1", 1).IsProblem(ErrorCode.EditedElsewhere, stored: true, $$"""
            {"conflictId":"C1","current":{{Envelope.Live(2, "alice", "a2", """{"a":2,"b":1}""")}},"etag":"\"rev-2\"",
             "conflicts":[{"path":"/a","rule":"onEditDelete","base":1,"theirs":2}]}
            """);
        Answer.Same(Worlds.Parsed("""
            {"conflictId":"C1","state":"open","kind":"edited-elsewhere","entity":"note","id":"r",
             "ops":[{"opId":"b1","kind":"delete","baseRev":1,"at":"2026-11-20T10:15:00.123Z"}],
             "by":"bob","device":"tablet","base":{"a":1,"b":1},"theirs":{"a":2,"b":1},
             "conflicts":[{"path":"/a","rule":"onEditDelete","base":1,"theirs":2}]}
            """), _space.Conflict(_bob)!);
    }

    [Fact]
    public void A_delete_of_what_was_edited_and_edited_back_is_applied()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _alice.Update("a3", 2, """{"a":1}""");
        Assert.Equal("200 applied", _bob.Delete("b1", 1).Summary);
    }

    [Fact]
    public void Two_deletes_agree()
    {
        _alice.Delete("a2", 1);
        _bob.Delete("b1", 1).Is(200, $$"""{"opId":"b1","status":200,"result":"merged","record":{{Envelope.Tombstone(2, "alice", "a2")}},"merge":[]}""");
        Assert.Equal("200 merged", _bob.Delete("b2", 2).Summary);
        Assert.Equal("200 merged", _alice.Delete("a3", 2).Summary);
        Assert.Equal(["a1", "a2"], _space.Changes.Select(change => change.OpId));
    }

    [Fact]
    public void A_delete_agrees_with_a_delete_of_what_was_edited_in_between()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _alice.Delete("a3", 2);
        Assert.Equal("200 merged", _bob.Delete("b1", 1).Summary);
    }

    [Fact]
    public void An_edit_of_a_deleted_record_that_changes_nothing_leaves_the_tombstone()
    {
        _alice.Delete("a2", 1);
        Assert.Equal("200 merged", _bob.Update("b1", 1, """{"a":1}""").Summary);
        Assert.Equal((2L, true), (_space.Find()!.Rev, _space.Find()!.Deleted));
    }

    [Fact]
    public void A_create_of_a_live_id_already_exists()
    {
        var answer = _bob.Create("b1", """{"a":2,"b":1,"c":3}""");
        answer.IsProblem(ErrorCode.AlreadyExists, stored: true, $$"""
            {"conflictId":"C1","current":{{Envelope.Live(1, "alice", "a1", """{"a":1,"b":1}""")}},"etag":"\"rev-1\"",
             "conflicts":[{"path":"/a","rule":"review","theirs":1,"yours":2},{"path":"/c","rule":"review","yours":3}]}
            """);
        Assert.Equal(OutcomeState.Conflict, answer.Outcome.State);
    }

    [Fact]
    public void A_create_of_an_equal_record_already_exists_too() =>
        Assert.Equal("409 already-exists", _bob.Create("b1", """{"a":1,"b":1}""").Summary);

    [Fact]
    public void A_create_of_a_deleted_id_already_exists()
    {
        _alice.Delete("a2", 1);
        _bob.Create("b1", """{"a":2}""").IsProblem(ErrorCode.AlreadyExists, stored: true, $$"""
            {"conflictId":"C1","current":{{Envelope.Tombstone(2, "alice", "a2")}},"etag":"\"rev-2\"",
             "conflicts":[{"path":"/a","rule":"review","yours":2}]}
            """);
    }

    [Fact]
    public void A_restore_of_a_live_record_already_exists()
    {
        _bob.Restore("b1", 1).IsProblem(ErrorCode.AlreadyExists, stored: true, $$"""
            {"conflictId":"C1","current":{{Envelope.Live(1, "alice", "a1", """{"a":1,"b":1}""")}},"etag":"\"rev-1\"","conflicts":[]}
            """);
    }

    [Fact]
    public void Of_two_restores_the_second_already_exists()
    {
        _alice.Delete("a2", 1);
        Assert.Equal("200 applied", _alice.Restore("a3", 2).Summary);
        Assert.Equal("409 already-exists", _bob.Restore("b1", 2).Summary);
    }

    [Fact]
    public void No_revision_is_ever_used_twice()
    {
        _alice.Delete("a2", 1);
        _alice.Restore("a3", 2);
        _alice.Update("a4", 3, """{"a":2}""");
        _alice.Delete("a5", 4);
        _alice.Delete("a6", 5);
        Assert.Equal([1L, 2L, 3L, 4L, 5L], _space.Changes.Select(change => change.Rev));
    }
}
