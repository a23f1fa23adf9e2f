namespace SyncServer.Core.Tests.Push;

/// <summary>Ops that one device queued on one record, all with the base revision of when it was last online (protocol 4).</summary>
public class OwnOpTests
{
    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public OwnOpTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
        _bob.Create("b0", """{"a":1,"b":1,"o":{"x":1}}""");
    }

    private static string N(long n) => $",\"n\":{n}";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_chain_with_one_base_revision_does_not_conflict_with_itself(bool numbered)
    {
        string Next(long n) => numbered ? N(n) : "";
        Assert.Equal("200 applied", _alice.Update("a1", 1, """{"a":2}""", Next(1)).Summary);
        Assert.Equal("200 applied", _alice.Update("a2", 1, """{"a":3,"o":{"x":null}}""", Next(2)).Summary);
        Assert.Equal("200 applied", _alice.Delete("a3", 1, Next(3)).Summary);
        Assert.Equal("200 applied", _alice.Restore("a4", 1, Next(4)).Summary);
        Assert.Equal("200 applied", _alice.Update("a5", 1, """{"a":1}""", Next(5)).Summary);
        Assert.Equal("""{"a":1,"b":1,"o":{}}""", _space.Find()!.Data!.Value.ToString());
    }

    [Fact]
    public void A_chain_on_an_own_create_counts_from_revision_0()
    {
        Assert.Equal("201 applied", _alice.One($$"""{{Client.Head("c", "create", "mine")}},"patch":{"a":1},"n":1}""").Summary);
        Assert.Equal("200 applied", _alice.One($$"""{{Client.Head("u", "update", "mine")}},"patch":{"a":2},"baseRev":0,"n":2}""").Summary);
        Assert.Equal("200 applied", _alice.One($$"""{{Client.Head("d", "delete", "mine")}},"baseRev":0,"n":3}""").Summary);
        Assert.Equal("200 applied", _alice.One($$"""{{Client.Head("r", "restore", "mine")}},"baseRev":0,"n":4}""").Summary);
    }

    [Fact]
    public void An_own_op_that_somebody_overwrote_is_in_the_base_of_the_next()
    {
        _alice.Update("a1", 1, """{"a":2}""");
        _bob.Update("b1", 2, """{"a":3}""");
        _alice.Update("a2", 1, """{"a":4}""").IsProblem(ErrorCode.Conflict, stored: true, $$$"""
            {"conflictId":"C1","current":{{{Envelope.Live(3, "bob", "b1", """{"a":3,"b":1,"o":{"x":1}}""")}}},"etag":"\"rev-3\"",
             "conflicts":[{"path":"/a","rule":"review","base":2,"theirs":3,"yours":4}]}
            """);
        Assert.Equal("200 merged", _alice.Update("a3", 1, """{"b":5}""").Summary);
    }

    [Fact]
    public void A_value_that_the_device_put_back_itself_is_no_change_of_theirs()
    {
        _alice.Update("a1", 1, """{"a":2}""");
        _bob.Update("b1", 2, """{"a":3}""");

        // To the device nothing differs: it saw 2, its op says 2, and what bob wrote stays.
        _alice.Update("a2", 1, """{"a":2}""").Is(200, $$$"""
            {"opId":"a2","status":200,"result":"merged","record":{{{Envelope.Live(3, "bob", "b1", """{"a":3,"b":1,"o":{"x":1}}""")}}},
             "merge":[{"path":"/a","rule":"review","base":2,"theirs":3,"yours":2,"merged":3}]}
            """);
    }

    [Fact]
    public void A_late_op_gives_way_to_a_later_one_that_arrived_earlier()
    {
        _alice.Update("a2", 1, """{"a":3}""", N(2));
        _alice.Update("a1", 1, """{"a":2,"b":2}""", N(1)).Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Live(3, "alice", "a1", """{"a":3,"b":2,"o":{"x":1}}""")}}},
             "merge":[{"path":"/a","rule":"own-later","base":3,"theirs":3,"yours":2,"merged":3},
                      {"path":"/b","rule":"review","base":1,"theirs":1,"yours":2,"merged":2}]}
            """);
        _alice.Update("a0", 1, """{"a":9}""", N(0)).Is(200, $$$"""
            {"opId":"a0","status":200,"result":"merged","record":{{{Envelope.Live(3, "alice", "a1", """{"a":3,"b":2,"o":{"x":1}}""")}}},
             "merge":[{"path":"/a","rule":"own-later","base":3,"theirs":3,"yours":9,"merged":3}]}
            """);
    }

    [Fact]
    public void A_late_op_on_other_paths_is_simply_applied()
    {
        _alice.Update("a2", 1, """{"a":3}""", N(2));
        Assert.Equal("200 applied", _alice.Update("a1", 1, """{"b":2}""", N(1)).Summary);
    }

    [Fact]
    public void A_late_op_meets_a_later_one_above_or_below_it()
    {
        _alice.Update("a2", 1, """{"o":5}""", N(2));
        Assert.Equal("200 merged", _alice.Update("a1", 1, """{"o":{"x":2}}""", N(1)).Summary);
        Assert.Equal("5", _space.Find()!.Data!.Value["o"]!.ToString());
    }

    [Fact]
    public void Without_a_counter_on_either_the_order_of_arrival_counts()
    {
        _alice.Update("a2", 1, """{"a":3}""");
        Assert.Equal("200 applied", _alice.Update("a1", 1, """{"a":2}""", N(1)).Summary);
        Assert.Equal("200 applied", _alice.Update("a3", 1, """{"a":4}""").Summary);
    }

    [Fact]
    public void A_late_edit_stays_behind_an_own_delete()
    {
        _alice.Delete("a2", 1, N(2));
        _alice.Update("a1", 1, """{"a":2}""", N(1)).Is(200, $$"""
            {"opId":"a1","status":200,"result":"merged","record":{{Envelope.Tombstone(2, "alice", "a2")}},
             "merge":[{"path":"/a","rule":"own-later","base":1,"yours":2}]}
            """);
    }

    [Fact]
    public void A_late_edit_counts_where_the_own_delete_was_taken_back()
    {
        _alice.Delete("a2", 1, N(2));
        _alice.Restore("a3", 1, N(3));
        Assert.Equal("200 applied", _alice.Update("a1", 1, """{"a":2}""", N(1)).Summary);
    }

    [Fact]
    public void A_late_edit_stays_behind_an_own_delete_also_where_somebody_restored_the_record()
    {
        _alice.Delete("a2", 1, N(2));
        _bob.Restore("b1", 2);
        _alice.Update("a1", 1, """{"a":2}""", N(1)).Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Live(3, "bob", "b1", """{"a":1,"b":1,"o":{"x":1}}""")}}},
             "merge":[{"path":"/a","rule":"own-later","base":1,"theirs":1,"yours":2,"merged":1}]}
            """);
    }

    [Fact]
    public void A_late_delete_stays_behind_an_own_edit()
    {
        _alice.Update("a2", 1, """{"a":2}""", N(2));
        var answer = _alice.Delete("a1", 1, N(1));
        Assert.Equal("200 merged", answer.Summary);
        Assert.Equal("\"own-later\"", ((Core.Json.JsonObject)((Core.Json.JsonArray)answer["/merge"]!).Items[0])["rule"]!.ToString());
        Assert.False(_space.Find()!.Deleted);
    }

    [Fact]
    public void A_late_delete_stays_behind_an_own_restore()
    {
        _bob.Delete("b1", 1);
        _alice.Restore("a2", 1, N(2));
        Assert.Equal("200 merged", _alice.Delete("a1", 1, N(1)).Summary);
        Assert.False(_space.Find()!.Deleted);
    }

    [Fact]
    public void A_late_restore_stays_behind_an_own_delete()
    {
        _bob.Delete("b1", 1);
        _bob.Restore("b2", 2);
        _alice.Delete("a2", 1, N(2));
        Assert.Equal("200 merged", _alice.Restore("a1", 1, N(1)).Summary);
        Assert.True(_space.Find()!.Deleted);
    }

    [Fact]
    public void A_delete_counts_own_edits_as_seen_and_the_edits_of_others_not()
    {
        _alice.Update("a1", 1, """{"a":2}""");
        Assert.Equal("200 applied", _alice.Delete("a2", 1).Summary);
        _alice.Restore("a3", 3);
        _bob.Update("b1", 4, """{"b":2}""");
        Assert.Equal("409 edited-elsewhere", _alice.Delete("a4", 1).Summary);
    }

    [Theory]
    [InlineData("update", ",\"patch\":{\"a\":2}", "409 conflict")]
    [InlineData("delete", "", "409 edited-elsewhere")]
    [InlineData("restore", "", "409 already-exists")]
    public void A_base_revision_of_0_on_a_record_made_by_others_is_a_conflict(string kind, string patch, string answer) =>
        Assert.Equal(answer, _alice.One($$"""{{Client.Head("a1", kind, "r")}},"baseRev":0{{patch}}}""").Summary);

    [Fact]
    public void A_base_revision_of_0_without_a_device_is_a_conflict()
    {
        var nameless = _space.Client("alice", "");
        nameless.One($$"""{{Client.Head("c", "create", "mine")}},"patch":{"a":1} }""");
        Assert.Equal("409 conflict", nameless.One($$"""{{Client.Head("u", "update", "mine")}},"baseRev":0,"patch":{"a":2} }""").Summary);
    }

    [Fact]
    public void A_base_revision_of_0_on_a_record_that_others_made_and_deleted()
    {
        _bob.Delete("b1", 1);
        Assert.Equal("200 merged", _space.Client("carol", "c").Delete("c1", 0).Summary);
        Assert.Equal("409 deleted-elsewhere", _alice.Update("a1", 0, """{"a":2}""").Summary);
        var dave = _space.Client("dave", "d");
        var restore = dave.Restore("d1", 0);
        Assert.Equal(("409 conflict", true), (restore.Summary, _space.Find()!.Deleted));
        Assert.Equal("200 applied", dave.Resolve("d2", restore["/conflictId"]!, "mine").Summary);
        Assert.Equal("""{"a":1,"b":1,"o":{"x":1}}""", _space.Data());
    }

    /// <summary>Alice's phone, whose op number 2 arrived before its op number 1; neither of the fields is reviewed.</summary>
    private static (Space Space, Client Phone, Client Other) Overtaken(string later, string more = ",\"n\":2")
    {
        var space = Space.Of("""{"fields":{"l":{"merge":"lww"},"m":{"merge":"lww"},"c":{"merge":"counter"},"s":{"merge":"lww"} } }""");
        var (phone, other) = (space.Client("alice", "phone"), space.Client("bob", "tablet"));
        other.Create("b0", """{"l":1,"m":1,"c":1,"s":{"x":1,"y":1}}""");
        phone.Update("a2", 1, later, more);
        return (space, phone, other);
    }

    private static Answer Late(Client phone, string patch, string more = ",\"n\":1") =>
        phone.One($$"""{{Client.Head("a1", "update", "r")}},"patch":{{patch}}{{more}}}""");

    [Fact]
    public void A_late_edit_without_a_base_stays_behind_a_later_own_one_and_counts_elsewhere()
    {
        var (space, phone, _) = Overtaken("""{"l":2}""");
        Late(phone, """{"l":3,"m":3}""").Is(200, $$$"""
            {"opId":"a1","status":200,"result":"merged","record":{{{Envelope.Live(3, "alice", "a1", """{"l":2,"m":3,"c":1,"s":{"x":1,"y":1}}""")}}},
             "merge":[{"path":"/l","rule":"own-later","base":2,"theirs":2,"yours":3,"merged":2},
                      {"path":"/m","rule":"lww","base":1,"theirs":1,"yours":3,"merged":3}]}
            """);
        Assert.Equal("""{"l":2,"m":3,"c":1,"s":{"x":1,"y":1}}""", space.Data());
    }

    [Theory]
    [InlineData("""{"l":2}""", """{"l":3}""", """{"l":2,"m":1,"c":1,"s":{"x":1,"y":1}}""")]
    [InlineData("""{"c":7}""", """{"c":{"$inc":1}}""", """{"l":1,"m":1,"c":7,"s":{"x":1,"y":1}}""")]
    [InlineData("""{"c":{"$inc":5}}""", """{"c":{"$inc":1}}""", """{"l":1,"m":1,"c":7,"s":{"x":1,"y":1}}""")]
    [InlineData("""{"l":{"$inc":5}}""", """{"l":10}""", """{"l":15,"m":1,"c":1,"s":{"x":1,"y":1}}""")]
    [InlineData("""{"s":{"x":2}}""", """{"s":{"x":3,"y":3}}""", """{"l":1,"m":1,"c":1,"s":{"x":2,"y":3}}""")]
    [InlineData("""{"s":null}""", """{"s":{"x":3}}""", """{"l":1,"m":1,"c":1}""")]
    [InlineData("""{"l":1,"m":2}""", """{"l":3}""", """{"l":1,"m":2,"c":1,"s":{"x":1,"y":1}}""")]
    [InlineData("""{"l":1}""", """{"l":3}""", """{"l":1,"m":1,"c":1,"s":{"x":1,"y":1}}""")]
    public void Without_a_base_what_both_touch_is_as_the_later_own_op_left_it(string later, string late, string data)
    {
        var (space, phone, _) = Overtaken(later);
        Assert.Equal(200, Late(phone, late).Outcome.Status);
        Assert.Equal(Worlds.Parsed(data), space.Find()!.Data!.Value);
    }

    [Fact]
    public void Without_a_base_what_others_wrote_over_a_later_own_edit_stays()
    {
        var (space, phone, other) = Overtaken("""{"l":2}""");
        other.Update("b1", 2, """{"l":9}""");
        Assert.Equal("200 merged", Late(phone, """{"l":3}""").Summary);
        Assert.Equal("""{"l":9,"m":1,"c":1,"s":{"x":1,"y":1}}""", space.Data());
    }

    [Fact]
    public void Without_a_base_ops_of_others_and_ops_without_a_counter_are_not_later()
    {
        var (space, phone, other) = Overtaken("""{"l":2}""", "");
        other.Update("b1", 2, """{"m":9}""", N(9));
        Assert.Equal("200 applied", Late(phone, """{"l":3,"m":3}""").Summary);
        Assert.Equal("""{"l":3,"m":3,"c":1,"s":{"x":1,"y":1}}""", space.Data());
        Assert.Equal("200 applied", phone.One($$"""{{Client.Head("a3", "update", "r")}},"patch":{"l":4} }""").Summary);
    }

    [Fact]
    public void Without_a_base_a_late_edit_stays_behind_an_own_delete_whoever_restored_the_record()
    {
        var (space, phone, other) = Overtaken("""{"m":2}""");
        phone.Delete("a3", 1, N(3));
        Assert.Equal("200 merged", Late(phone, """{"l":3}""").Summary);
        Assert.True(space.Find()!.Deleted);
        other.Restore("b1", 3);
        Assert.Equal("200 merged", phone.One($$"""{{Client.Head("a4", "update", "r")}},"patch":{"l":3},"n":1}""").Summary);
        Assert.Equal("""{"l":1,"m":2,"c":1,"s":{"x":1,"y":1}}""", space.Data());
    }
}
