namespace SyncServer.Core.Tests.Push;

/// <summary>Updates of a record that others changed since the base revision (protocol 4).</summary>
public class MergeTests
{
    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public MergeTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
        _alice.Create("a1", """{"a":1,"b":1,"o":{"x":1,"y":1}}""");
    }

    [Fact]
    public void Edits_of_different_fields_merge()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _bob.Update("b1", 1, """{"b":3,"o":{"y":null}}""").Is(200, $$"""
            {"opId":"b1","status":200,"result":"merged",
             "record":{{Envelope.Live(3, "bob", "b1", """{"a":2,"b":3,"o":{"x":1}}""")}},
             "merge":[{"path":"/a","rule":"review","base":1,"theirs":2,"yours":1,"merged":2},
                      {"path":"/b","rule":"review","base":1,"theirs":1,"yours":3,"merged":3},
                      {"path":"/o/y","rule":"review","base":1,"theirs":1}]}
            """);
    }

    [Fact]
    public void What_both_set_to_the_same_value_is_agreed_and_makes_no_revision()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _bob.Update("b1", 1, """{"a":2.0}""").Is(200, $$"""
            {"opId":"b1","status":200,"result":"merged","record":{{Envelope.Live(2, "alice", "a2", """{"a":2,"b":1,"o":{"x":1,"y":1}}""")}},
             "merge":[{"path":"/a","rule":"review","base":1,"theirs":2,"yours":2,"merged":2}]}
            """);
    }

    [Fact]
    public void What_others_changed_and_changed_back_is_not_changed()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _alice.Update("a3", 2, """{"a":1}""");
        _bob.Update("b1", 1, """{"a":5}""").Is(200,
            $$"""{"opId":"b1","status":200,"result":"applied","record":{{Envelope.Live(4, "bob", "b1", """{"a":5,"b":1,"o":{"x":1,"y":1}}""")}}}""");
    }

    [Fact]
    public void Edits_of_the_same_field_conflict()
    {
        _alice.Update("a2", 1, """{"a":2,"b":2}""");
        var answer = _bob.Update("b1", 1, """{"a":3,"o":{"x":4}}""", ",\"n\":9");
        answer.IsProblem(ErrorCode.Conflict, stored: true, $$"""
            {"conflictId":"C1","current":{{Envelope.Live(2, "alice", "a2", """{"a":2,"b":2,"o":{"x":1,"y":1}}""")}},"etag":"\"rev-2\"",
             "conflicts":[{"path":"/a","rule":"review","base":1,"theirs":2,"yours":3}]}
            """);
        Assert.Equal(("\"rev-2\"", 2L), (answer.Outcome.ETag, answer.Outcome.Rev));
        Answer.Same(Worlds.Parsed("""
            {"conflictId":"C1","state":"open","kind":"conflict","entity":"note","id":"r",
             "ops":[{"opId":"b1","kind":"update","baseRev":1,"patch":{"a":3,"o":{"x":4}},"n":9,"at":"2026-11-20T10:15:00.123Z"}],
             "by":"bob","device":"tablet",
             "base":{"a":1,"b":1,"o":{"x":1,"y":1}},"yours":{"a":3,"b":1,"o":{"x":4,"y":1}},"theirs":{"a":2,"b":2,"o":{"x":1,"y":1}},
             "conflicts":[{"path":"/a","rule":"review","base":1,"theirs":2,"yours":3}]}
            """), _space.Conflict(_bob)!);
        Assert.Equal(["a1", "a2", "b1"], _space.Changes.Select(change => change.OpId));
        Assert.Equal("$conflict", _space.Changes[2].Key.Entity);
    }

    [Theory]
    [InlineData("""{"o":5}""", """{"o":{"x":2}}""", "/o/x")]
    [InlineData("""{"o":null}""", """{"o":{"x":2}}""", "/o/x")]
    [InlineData("""{"o":{"x":2}}""", """{"o":null}""", "/o")]
    [InlineData("""{"o":{"x":2}}""", """{"o":[]}""", "/o")]
    [InlineData("""{"a":null}""", """{"a":2}""", "/a")]
    [InlineData("""{"a":2}""", """{"a":null}""", "/a")]
    [InlineData("""{"new":1}""", """{"new":{"x":1}}""", "/new")]
    public void Whatever_both_touched_and_did_not_agree_on_conflicts_as_a_whole(string theirs, string yours, string path)
    {
        _alice.Update("a2", 1, theirs);
        var answer = _bob.Update("b1", 1, yours);
        Assert.Equal("409 conflict", answer.Summary);
        Assert.Equal([path], ((Core.Json.JsonArray)answer["/conflicts"]!).Items.Select(item => ((Core.Json.JsonString)((Core.Json.JsonObject)item)["path"]!).Text));
        Assert.Equal(2, _space.Find()!.Rev);
    }

    [Fact]
    public void What_was_deleted_and_restored_in_between_counts_as_live()
    {
        _alice.Delete("a2", 1);
        _alice.Restore("a3", 2);
        Assert.Equal("200 applied", _bob.Update("b1", 1, """{"a":5}""").Summary);
        _alice.Delete("a4", 4);
        _alice.Restore("a5", 5);
        Assert.Equal("200 applied", _bob.Delete("b2", 4).Summary);
    }

    [Fact]
    public void Ops_of_one_principal_on_two_devices_are_others_to_each_other()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        Assert.Equal("409 conflict", _space.Client("alice", "laptop").Update("a3", 1, """{"a":3}""").Summary);
    }

    [Fact]
    public void Without_a_device_nothing_is_own()
    {
        var nameless = _space.Client("alice", "");
        nameless.Update("n1", 1, """{"a":2}""");
        Assert.Equal("409 conflict", nameless.Update("n2", 1, """{"a":3}""").Summary);
    }

    [Fact]
    public void The_device_of_another_principal_with_the_same_name_is_not_own()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        Assert.Equal("409 conflict", _space.Client("bob", "phone").Update("b1", 1, """{"a":3}""").Summary);
    }

    [Fact]
    public void A_thousand_changes_in_between_are_merged_and_one_more_is_parked()
    {
        _alice.Batch([.. Enumerable.Range(1, 1_000).Select(rev =>
            $$"""{{Client.Head($"u{rev}", "update", "r")}},"baseRev":{{rev}},"patch":{"a":{{rev + 1}} } }""")]);

        Assert.Equal("200 merged", _bob.Update("b1", 1, """{"b":2}""").Summary);
        _space.Client("carol", "c").Update("c1", 1, """{"b":2}""").IsProblem(ErrorCode.Conflict, stored: true, $$$"""
            {"conflictId":"C1","current":{{{Envelope.Live(1002, "bob", "b1", """{"a":1001,"b":2,"o":{"x":1,"y":1}}""")}}},"etag":"\"rev-1002\"",
             "conflicts":[{"path":"/b","rule":"review","theirs":2,"yours":2}]}
            """);
    }

    [Fact]
    public void Purged_history_in_between_parks()
    {
        _alice.Update("a2", 1, """{"a":2}""");
        _space.PurgeHistory();
        Assert.Equal("409 conflict", _bob.Update("b1", 1, """{"b":2}""").Summary);
        Assert.Equal("409 edited-elsewhere", _space.Client("carol", "c").Delete("c1", 1).Summary);
        Assert.Equal("200 applied", _space.Client("dave", "d").Update("d1", 2, """{"b":2}""").Summary);
    }
}
