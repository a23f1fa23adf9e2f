using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Merge;

/// <summary>An edit that meets a delete, in both orders, where the entity says who wins (protocol 4).</summary>
public class PolicyDeleteTests
{
    [Theory]
    [InlineData("review", "409 deleted-elsewhere", true)]
    [InlineData("edit-wins", "200 merged", false)]
    [InlineData("delete-wins", "200 merged", true)]
    public void An_edit_without_a_base_of_a_deleted_record_is_an_edit_also_where_it_sets_what_was_there(string onEditDelete, string answer, bool deleted)
    {
        var space = Space.Of($$$"""{"onEditDelete":"{{{onEditDelete}}}","fields":{"f":{"merge":"lww"} } }""");
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "tablet"));
        alice.Create("a0", """{"f":1,"tags":["x"]}""");
        alice.Delete("a1", 1);
        Assert.Equal(answer, bob.One($$"""{{Client.Head("b1", "update", "r")}},"patch":{"f":1,"tags":{"$add":["x"]} } }""").Summary);
        Assert.Equal(deleted, space.Find()!.Deleted);
    }

    [Theory]
    [InlineData("edit-wins", """[{"path":"/f","rule":"onEditDelete","yours":1,"merged":1}]""")]
    [InlineData("delete-wins", """[{"path":"/f","rule":"onEditDelete","yours":1}]""")]
    public void An_edit_without_a_base_of_a_deleted_record_is_reported_without_a_base(string onEditDelete, string merge)
    {
        var space = Space.Of($$$"""{"onEditDelete":"{{{onEditDelete}}}","fields":{"f":{"merge":"lww"} } }""");
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "tablet"));
        alice.Create("a0", """{"f":1}""");
        alice.Delete("a1", 1);
        Assert.Equal(merge, bob.One($$"""{{Client.Head("b1", "update", "r")}},"patch":{"f":1} }""")["/merge"]!.ToString());
    }

    private static (Space Space, Client Alice, Client Bob) Begun(string onEditDelete)
    {
        var space = Space.Of($$"""{"onEditDelete":"{{onEditDelete}}"}""");
        space.Client("alice", "phone").Create("a0", """{"a":1,"b":1}""");
        return (space, space.Client("alice", "phone"), space.Client("bob", "phone"));
    }

    [Fact]
    public void An_edit_that_wins_restores_the_record_and_says_so()
    {
        var (space, alice, bob) = Begun("edit-wins");
        bob.Delete("b1", 1);
        alice.Update("a1", 1, """{"a":2}""").Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Live(3, "alice", "a1", """{"a":2,"b":1}""")}}},
             "merge":[{"path":"/a","rule":"onEditDelete","base":1,"yours":2,"merged":2}]}
            """);
        Assert.Equal(OpKind.Restore, space.Changes[^1].Kind);
    }

    [Fact]
    public void A_delete_that_loses_changes_nothing_and_reports_the_edits()
    {
        var (space, alice, bob) = Begun("edit-wins");
        bob.Update("b1", 1, """{"a":2}""");
        alice.Delete("a1", 1).Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Live(2, "bob", "b1", """{"a":2,"b":1}""")}}},
             "merge":[{"path":"/a","rule":"onEditDelete","base":1,"theirs":2,"merged":2}]}
            """);
        Assert.Equal(2, space.Changes.Count);
    }

    [Fact]
    public void An_edit_that_loses_goes_into_history_and_the_tombstone_stays()
    {
        var (space, alice, bob) = Begun("delete-wins");
        bob.Delete("b1", 1);
        alice.Update("a1", 1, """{"a":2}""").Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Tombstone(3, "alice", "a1")}}},
             "merge":[{"path":"/a","rule":"onEditDelete","base":1,"yours":2}]}
            """);
        Assert.True(space.Find()!.Deleted);
        Assert.Equal("""{"a":2}""", space.Changes[^1].Patch!.ToString());
    }

    [Fact]
    public void A_delete_that_wins_reports_the_edits_that_it_took_away()
    {
        var (space, alice, bob) = Begun("delete-wins");
        bob.Update("b1", 1, """{"a":2}""");
        alice.Delete("a1", 1).Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Tombstone(3, "alice", "a1")}}},
             "merge":[{"path":"/a","rule":"onEditDelete","base":1,"theirs":2}]}
            """);
        Assert.Equal("""{"a":2,"b":1}""", space.Changes[^1].Before!.ToString());
    }

    [Fact]
    public void An_edit_of_a_field_that_was_edited_before_the_delete_still_loses_to_the_delete()
    {
        var (space, alice, bob) = Begun("delete-wins");
        bob.Update("b1", 1, """{"a":3}""");
        bob.Delete("b2", 2);
        Assert.Equal("200 merged", alice.Update("a1", 1, """{"a":2}""").Summary);
        Assert.True(space.Find()!.Deleted);
        Assert.Equal("""{"a":2}""", (space.Changes[^1].Sent ?? space.Changes[^1].Patch)!.ToString());
    }

    [Fact]
    public void A_restore_brings_back_an_edit_that_lost()
    {
        var (space, alice, bob) = Begun("delete-wins");
        bob.Delete("b1", 1);
        alice.Update("a1", 1, """{"a":2}""");
        Assert.Equal("200 applied", bob.Restore("b2", 3).Summary);
        Assert.Equal("""{"a":2,"b":1}""", space.Data());
    }

    [Theory]
    [InlineData("edit-wins")]
    [InlineData("delete-wins")]
    public void What_was_deleted_and_restored_in_between_counts_as_live(string onEditDelete)
    {
        var (space, alice, bob) = Begun(onEditDelete);
        bob.Delete("b1", 1);
        bob.Restore("b2", 2);
        Assert.Equal("200 applied", alice.Update("a1", 1, """{"a":2}""").Summary);
        Assert.Equal("200 merged", bob.Delete("b3", 3).Summary);
        Assert.Equal(onEditDelete == "delete-wins", space.Find()!.Deleted);
    }
}
