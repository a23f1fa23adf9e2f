using SyncServer.Core.Json;
using SyncServer.Core.Push;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Merge;

/// <summary>The table of protocol 4: two people who edit the field <c>f</c> of the same revision, bob first.</summary>
public class PolicyTests
{
    private static (Answer Answer, Space Space) Meet(string policy, string start, string theirs, string yours)
    {
        var space = Space.Of($$$"""{"fields":{"f":{"merge":"{{{policy}}}"} } }""");
        space.Client("alice", "phone").Create("a0", start);
        Assert.True(space.Client("bob", "phone").Update("b1", 1, theirs).Outcome.IsSuccess);
        return (space.Client("alice", "phone").Update("a1", 1, yours), space);
    }

    [Theory]
    [InlineData("review", """{"f":1}""", """{"f":2}""", """{"f":2}""", """{"f":2}""")]
    [InlineData("review", """{"f":1}""", """{"f":null}""", """{"f":null}""", "{}")]
    [InlineData("review", "{}", """{"f":1}""", """{"f":null}""", """{"f":1}""")]
    [InlineData("review", """{"f":{"x":1,"y":1}}""", """{"f":{"x":2}}""", """{"f":{"y":2}}""", """{"f":{"x":2,"y":2}}""")]
    [InlineData("lww", """{"f":1}""", """{"f":2}""", """{"f":3}""", """{"f":3}""")]
    [InlineData("lww", """{"f":1}""", """{"f":null}""", """{"f":3}""", """{"f":3}""")]
    [InlineData("lww", """{"f":1}""", """{"f":2}""", """{"f":null}""", "{}")]
    [InlineData("lww", """{"f":{"x":1,"y":1}}""", """{"f":{"x":2}}""", """{"f":{"y":2}}""", """{"f":{"x":2,"y":2}}""")]
    [InlineData("lww", """{"f":{"x":1,"y":1}}""", """{"f":5}""", """{"f":{"y":2}}""", """{"f":{"x":1,"y":2}}""")]
    [InlineData("keep", """{"f":1}""", """{"f":2}""", """{"f":3}""", """{"f":2}""")]
    [InlineData("keep", "{}", """{"f":2}""", """{"f":3}""", """{"f":2}""")]
    [InlineData("keep", """{"f":1}""", """{"f":2}""", """{"f":{"$inc":1}}""", """{"f":2}""")]
    [InlineData("append", """{"f":["a"]}""", """{"f":{"$append":["b"]}}""", """{"f":{"$append":["c"]}}""", """{"f":["a","b","c"]}""")]
    [InlineData("append", "{}", """{"f":{"$append":["b"]}}""", """{"f":{"$append":["b"]}}""", """{"f":["b","b"]}""")]
    [InlineData("set", """{"f":["a","b"]}""", """{"f":["a","b","c"]}""", """{"f":["b","d"]}""", """{"f":["b","c","d"]}""")]
    [InlineData("set", """{"f":["a"]}""", """{"f":{"$remove":["a"]}}""", """{"f":{"$add":["b"]}}""", """{"f":["b"]}""")]
    [InlineData("set", "{}", """{"f":{"$add":["b"]}}""", """{"f":["b","c"]}""", """{"f":["b","c"]}""")]
    [InlineData("counter", """{"f":1}""", """{"f":{"$inc":2}}""", """{"f":{"$inc":3}}""", """{"f":6}""")]
    [InlineData("counter", """{"f":1}""", """{"f":{"$inc":2}}""", """{"f":5}""", """{"f":7}""")]
    [InlineData("counter", """{"f":1}""", """{"f":5}""", """{"f":{"$inc":0.1}}""", """{"f":5.1}""")]
    [InlineData("max", """{"f":1}""", """{"f":5}""", """{"f":3}""", """{"f":5}""")]
    [InlineData("max", """{"f":"a"}""", """{"f":"b"}""", """{"f":"c"}""", """{"f":"c"}""")]
    [InlineData("min", """{"f":9}""", """{"f":5}""", """{"f":3}""", """{"f":3}""")]
    [InlineData("min", """{"f":9}""", """{"f":{"$min":2}}""", """{"f":3}""", """{"f":2}""")]
    [InlineData("text", """{"f":"a"}""", """{"f":"b"}""", """{"f":"b"}""", """{"f":"b"}""")]
    [InlineData("text", """{"f":"one\ntwo\nthree\nfour\n"}""", """{"f":"ONE\ntwo\nthree\nfour\n"}""", """{"f":"one\ntwo\nthree\nFOUR\n"}""", """{"f":"ONE\ntwo\nthree\nFOUR\n"}""")]
    [InlineData("text", """{"f":"the quick brown fox jumps"}""", """{"f":"the slow brown fox jumps"}""", """{"f":"the quick brown fox sleeps"}""", """{"f":"the slow brown fox sleeps"}""")]
    [InlineData("crdt", """{"f":{"updates":["YQ=="]}}""", """{"f":{"$append":["Yg=="]}}""", """{"f":{"$append":["Yw=="]}}""", """{"f":{"updates":["YQ==","Yg==","Yw=="]}}""")]
    public void Both_edits_are_merged(string policy, string start, string theirs, string yours, string merged)
    {
        var (answer, space) = Meet(policy, start, theirs, yours);
        Assert.Equal(("200 merged", Worlds.Parsed(merged)), (answer.Summary, space.Find()!.Data!.Value));
    }

    [Theory]
    [InlineData("review", """{"f":1}""", """{"f":2}""", """{"f":3}""")]
    [InlineData("review", """{"f":1}""", """{"f":null}""", """{"f":3}""")]
    [InlineData("review", "{}", """{"f":2}""", """{"f":3}""")]
    [InlineData("review", """{"f":{"x":1}}""", """{"f":2}""", """{"f":{"x":3}}""")]
    [InlineData("review", """{"f":{"x":1}}""", """{"f":{"x":2}}""", """{"f":null}""")]
    [InlineData("review", """{"f":["a"]}""", """{"f":["a","b"]}""", """{"f":["a","c"]}""")]
    [InlineData("append", """{"f":["a"]}""", """{"f":{"$append":["b"]}}""", """{"f":["c"]}""")]
    [InlineData("set", """{"f":["a"]}""", """{"f":2}""", """{"f":["a","b"]}""")]
    [InlineData("counter", """{"f":1}""", """{"f":2}""", """{"f":"3"}""")]
    [InlineData("max", """{"f":1}""", """{"f":null}""", """{"f":3}""")]
    [InlineData("max", """{"f":1}""", """{"f":"2"}""", """{"f":3}""")]
    [InlineData("text", """{"f":"a"}""", """{"f":"b"}""", """{"f":"c"}""")]
    [InlineData("strict", """{"f":1}""", """{"f":2}""", """{"f":2}""")]
    [InlineData("strict", """{"f":1}""", """{"f":{"$inc":1}}""", """{"f":{"$inc":1}}""")]
    [InlineData("strict", """{"f":{"x":1}}""", """{"f":{"x":2}}""", """{"f":{"x":2}}""")]
    public void What_the_policy_will_not_decide_is_a_conflict_and_theirs_stays(string policy, string start, string theirs, string yours)
    {
        var (answer, space) = Meet(policy, start, theirs, yours);
        Assert.Equal("409 conflict", answer.Summary);
        Assert.Equal(2, space.Find()!.Rev);
        Assert.Equal($"\"{policy}\"", ((JsonObject)((JsonArray)answer["/conflicts"]!).Items[0])["rule"]!.ToString());
    }

    [Theory]
    [InlineData("""{"f":{"$append":["b"]}}""", """{"f":["c"]}""", "409 conflict", """{"f":["a","b"]}""")]
    [InlineData("""{"f":["c"]}""", """{"f":{"$append":["b"]}}""", "200 merged", """{"f":["c","b"]}""")]
    public void A_plain_list_after_an_append_is_a_conflict_and_an_append_is_done_to_whatever_list_is_there(
        string theirs, string yours, string answered, string data)
    {
        var (answer, space) = Meet("append", """{"f":["a"]}""", theirs, yours);
        Assert.Equal((answered, Worlds.Parsed(data)), (answer.Summary, space.Find()!.Data!.Value));
    }

    [Theory]
    [InlineData("lww", "null", """{"x":2}""", """{"a":{"x":2}}""")]
    [InlineData("lww", """{"x":2}""", "null", "{}")]
    [InlineData("lww", """{"x":2,"n":{"m":1}}""", "null", null)]
    [InlineData("keep", "null", """{"x":2}""", "{}")]
    [InlineData("keep", """{"x":2}""", "null", """{"a":{"x":2}}""")]
    [InlineData("counter", "null", """{"x":{"$inc":4}}""", """{"a":{"x":4}}""")]
    [InlineData("counter", "null", """{"x":{"$inc":4},"y":{"$max":1}}""", """{"a":{"x":4,"y":1}}""")]
    [InlineData("crdt", "null", """{"x":{"$append":["Yg=="]}}""", """{"a":{"x":{"updates":["Yg=="]}}}""", """{"updates":["YQ=="]}""")]
    [InlineData("crdt", """{"x":{"$append":["Yg=="]}}""", "null", null, """{"updates":["YQ=="]}""")]
    [InlineData("review", "null", """{"x":{"$inc":4}}""", """{"a":{"x":4}}""")]
    [InlineData("review", "null", """{"x":{"$inc":4},"y":3}""", null)]
    [InlineData("review", "null", """{"x":2}""", null)]
    [InlineData("strict", "null", """{"x":{"$inc":4}}""", null)]
    [InlineData("max", "null", """{"x":2}""", null)]
    [InlineData("max", """{"x":2}""", "null", null)]
    public void Where_an_object_was_removed_each_member_that_the_other_side_changed_goes_by_its_own_policy(
        string policy, string theirs, string yours, string? merged, string x = "1")
    {
        var space = Space.Of($$$"""{"fields":{"/a/x":{"merge":"{{{policy}}}"} } }""");
        space.Client("alice", "phone").Create("a0", $$"""{"a":{"x":{{x}},"y":1} }""");
        space.Client("bob", "phone").Update("b1", 1, $$"""{"a":{{theirs}}}""");
        var answer = space.Client("alice", "phone").Update("a1", 1, $$"""{"a":{{yours}}}""");
        if (merged is null)
        {
            Assert.Equal(("409 conflict", 2L), (answer.Summary, space.Find()!.Rev));
        }
        else
        {
            Assert.Equal(("200 merged", merged), (answer.Summary, space.Data()));
        }
    }

    [Fact]
    public void An_op_of_another_own_device_that_changed_nothing_is_no_change_of_a_strict_field()
    {
        var space = Space.Of("""{"fields":{"f":{"merge":"strict"}}}""");
        var alice = space.Client("alice", "phone");
        alice.Create("a0", """{"f":1}""");
        space.Client("alice", "tablet").Update("t1", 1, """{"f":1}""");
        alice.Update("a1", 1, """{"g":1}""");
        Assert.Equal("200 applied", alice.Update("a2", 1, """{"f":2}""").Summary);
    }

    [Fact]
    public void A_strict_field_that_went_there_and_back_is_a_conflict_and_one_of_review_is_not()
    {
        foreach (var (policy, expected) in new[] { ("strict", "409 conflict"), ("review", "200 applied") })
        {
            var space = Space.Of($$$"""{"fields":{"f":{"merge":"{{{policy}}}"} } }""");
            var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "phone"));
            alice.Create("a0", """{"f":1}""");
            bob.Update("b1", 1, """{"f":2}""");
            bob.Update("b2", 2, """{"f":1}""");
            Assert.Equal(expected, alice.Update("a1", 1, """{"f":3}""").Summary);
        }
    }

    [Fact]
    public void A_strict_field_that_only_its_own_device_changed_is_no_conflict()
    {
        var space = Space.Of("""{"fields":{"f":{"merge":"strict"}}}""");
        var alice = space.Client("alice", "phone");
        alice.Create("a0", """{"f":1}""");
        alice.Update("a1", 1, """{"f":2}""", ",\"n\":1");
        space.Client("bob", "phone").Update("b1", 1, """{"g":2}""");
        Assert.Equal("200 merged", alice.Update("a2", 1, """{"f":3}""", ",\"n\":2").Summary);
        Assert.Equal("""{"f":3,"g":2}""", space.Data());
    }

    [Theory]
    [InlineData("""{"f":{"$inc":1}}""", """{"f":1}""")]
    [InlineData("""{"f":{"$append":["b"]}}""", """{"f":["b"]}""")]
    [InlineData("""{"f":{"$add":["b","b"]}}""", """{"f":["b"]}""")]
    [InlineData("""{"f":{"$remove":["b"]}}""", "{}")]
    [InlineData("""{"f":{"$max":4}}""", """{"f":4}""")]
    [InlineData("""{"f":{"$min":4}}""", """{"f":4}""")]
    public void An_operator_needs_no_base_under_review_and_begins_at_nothing(string patch, string data)
    {
        var space = new Space();
        space.Client("alice", "phone").Create("a0", "{}");
        Assert.Equal("200 applied", space.Client("bob", "phone").One($$"""{{Client.Head("b1", "update", "r")}},"patch":{{patch}} }""").Summary);
        Assert.Equal(data, space.Data());
    }

    [Theory]
    [InlineData("lww", """{"f":2}""", "200 applied")]
    [InlineData("max", """{"f":2}""", "200 applied")]
    [InlineData("min", """{"f":2}""", "200 merged")]
    [InlineData("review", """{"f":2}""", "428 precondition-required")]
    [InlineData("counter", """{"f":2}""", "428 precondition-required")]
    [InlineData("strict", """{"f":{"$inc":1}}""", "428 precondition-required")]
    [InlineData("keep", """{"f":{"$inc":1}}""", "428 precondition-required")]
    [InlineData("counter", """{"f":{"$inc":1},"g":1}""", "428 precondition-required")]
    public void Without_a_base_goes_only_what_commutes(string policy, string patch, string answer)
    {
        var space = Space.Of($$$"""{"fields":{"f":{"merge":"{{{policy}}}"} } }""");
        var alice = space.Client("alice", "phone");
        alice.Create("a0", """{"f":1}""");
        Assert.Equal(answer, alice.One($$"""{{Client.Head("a1", "update", "r")}},"patch":{{patch}} }""").Summary);
    }

    [Theory]
    [InlineData("review", """{"f":{"$inc":1}}""")]
    [InlineData("review", """{"f":{"$append":[1]}}""")]
    [InlineData("set", """{"f":{"$add":[1]}}""")]
    [InlineData("max", """{"f":{"$max":1}}""")]
    public void An_operator_on_a_value_of_another_type_is_rejected_and_stored(string policy, string patch)
    {
        var space = Space.Of($$$"""{"fields":{"f":{"merge":"{{{policy}}}"} } }""");
        var alice = space.Client("alice", "phone");
        alice.Create("a0", """{"f":"text"}""");
        var answer = alice.Update("a1", 1, patch);
        Assert.Equal(("422 rejected", OutcomeState.Rejected, "\"/f\""), (answer.Summary, answer.Outcome.State, answer["/errors"] is JsonArray errors ? ((JsonObject)errors.Items[0])["pointer"]!.ToString() : ""));
        Assert.Equal(1, space.Find()!.Rev);
    }

    [Theory]
    [InlineData("""{"f":{"$double":1}}""")]
    [InlineData("""{"f":{"$inc":"1"}}""")]
    [InlineData("""{"$inc":1}""")]
    public void An_operator_that_is_none_is_refused_and_not_stored(string patch)
    {
        var space = new Space();
        var alice = space.Client("alice", "phone");
        alice.Create("a0", "{}");
        var answer = alice.Update("a1", 1, patch);
        Assert.Equal((422, false), (answer.Outcome.Status, answer.Outcome.IsStored));
    }

    [Fact]
    public void Increments_of_chains_on_three_devices_add_up_exactly()
    {
        var space = new Space();
        space.Client("d0", "x").Create("c", """{"f":0.1}""");
        for (var i = 0; i < 30; i++)
        {
            var answer = space.Client($"d{i % 3}", "x").Update($"i{i}", 1, """{"f":{"$inc":0.1}}""", $",\"n\":{i + 1}");
            Assert.True(answer.Outcome.IsSuccess);
        }

        Assert.Equal(Worlds.Parsed("""{"f":3.1}"""), space.Find()!.Data!.Value);
    }

    [Fact]
    public void A_late_own_increment_counts_and_one_before_a_later_own_number_does_not()
    {
        var space = Space.Of("""{"fields":{"f":{"merge":"counter"}}}""");
        var alice = space.Client("alice", "phone");
        alice.Create("a0", """{"f":1,"g":1}""");
        alice.Update("a2", 1, """{"f":{"$inc":10},"g":7}""", ",\"n\":2");
        Assert.Equal("200 applied", alice.Update("a1", 1, """{"f":{"$inc":100}}""", ",\"n\":1").Summary);
        var late = alice.Update("a3", 1, """{"g":{"$inc":1}}""", ",\"n\":1");
        Assert.Equal("200 merged", late.Summary);
        Assert.Equal("\"own-later\"", ((JsonObject)((JsonArray)late["/merge"]!).Items[0])["rule"]!.ToString());
        Assert.Equal("""{"f":111,"g":7}""", space.Data());
    }

    [Fact]
    public void A_compaction_beside_an_append_loses_nothing()
    {
        var space = Space.Of("""{"fields":{"f":{"merge":"crdt"}}}""");
        var (alice, bob) = (space.Client("alice", "phone"), space.Client("bob", "phone"));
        alice.Create("a0", """{"f":{"updates":["YQ=="]}}""");
        bob.Update("b1", 1, """{"f":{"$append":["Yg=="]}}""");
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("a"u8));
        Assert.Equal("200 merged", alice.Update("a1", 1, $$$$"""{"f":{"$compact":{"snapshot":"Yw==","replaces":["{{{{hash}}}}"]} } }""").Summary);
        Assert.Equal("""{"f":{"updates":["Yg==","Yw=="]}}""", space.Data());
    }
}
