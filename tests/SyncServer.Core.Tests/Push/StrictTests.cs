using SyncServer.Core.Ops;

namespace SyncServer.Core.Tests.Push;

/// <summary>Ops with a precondition, and the plain HTTP routes (protocol 3.1, 6).</summary>
public class StrictTests
{
    private static readonly Precondition Any = new(true, null);

    private readonly Space _space = new();
    private readonly Client _alice;
    private readonly Client _bob;

    public StrictTests()
    {
        _alice = _space.Client("alice", "phone");
        _bob = _space.Client("bob", "tablet");
    }

    private static string Update(string opId, string patch = """{"a":2}""") => $$"""{{Client.Head(opId, "update", "r")}},"baseRev":1,"patch":{{patch}}}""";

    private void CreateAndEdit()
    {
        _alice.Create("a1", """{"a":1,"b":1}""");
        _alice.Update("a2", 1, """{"b":2}""");
    }

    private void AssertNotHeld(Answer answer, string current) =>
        answer.IsProblem(ErrorCode.PreconditionFailed, stored: true, $$"""{"current":{{current}},"etag":"\"rev-2\""}""");

    [Fact]
    public void A_strict_op_is_applied_to_exactly_its_revision_and_never_merged()
    {
        CreateAndEdit();
        AssertNotHeld(_bob.One(Update("b1"), Precondition.Exactly(1)), Envelope.Live(2, "alice", "a2", """{"a":1,"b":2}"""));
        _bob.One(Update("b2"), Precondition.Exactly(2)).Is(200,
            $$"""{"opId":"b2","status":200,"result":"applied","record":{{Envelope.Live(3, "bob", "b2", """{"a":2,"b":2}""")}}}""");
    }

    [Fact]
    public void A_strict_op_needs_no_base_revision()
    {
        CreateAndEdit();
        Assert.Equal("200 applied", _bob.One($$"""{{Client.Head("b1", "update", "r")}},"patch":{"a":2} }""", Precondition.Exactly(2)).Summary);
    }

    [Fact]
    public void Even_the_ops_of_the_own_device_are_not_merged_where_the_op_is_strict()
    {
        CreateAndEdit();
        Assert.Equal("412 precondition-failed", _alice.One(Update("a3"), Precondition.Exactly(1)).Summary);
    }

    [Theory]
    [InlineData("2", "200 applied")]
    [InlineData("1,2,7", "200 applied")]
    [InlineData("*", "200 applied")]
    [InlineData("1", "412 precondition-failed")]
    [InlineData("3", "412 precondition-failed")]
    [InlineData("none", "412 precondition-failed")]
    public void A_plain_write_of_a_live_record_needs_its_precondition_to_hold(string condition, string answer)
    {
        CreateAndEdit();
        Assert.Equal(answer, _bob.Http("b1", OpKind.Update, Parse(condition), """{"a":2}""").Summary);
        Assert.Equal(answer, _space.Find()!.Rev == 3 ? "200 applied" : "412 precondition-failed");
    }

    [Theory]
    [InlineData("2", "410 gone")]
    [InlineData("1,2", "410 gone")]
    [InlineData("1", "412 precondition-failed")]
    [InlineData("*", "412 precondition-failed")]
    public void On_a_tombstone_a_precondition_that_holds_is_410_and_one_that_does_not_is_412(string condition, string answer)
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        var more = $$"""{"current":{{Envelope.Tombstone(2, "alice", "a2")}},"etag":"\"rev-2\""}""";
        Answer[] answers =
        [
            _bob.Http("b1", OpKind.Update, Parse(condition), """{"a":2}"""),
            _bob.Http("b2", OpKind.Update, Parse(condition), """{"a":2}""", replaces: true),
            _bob.Http("b3", OpKind.Delete, Parse(condition)),
        ];
        Assert.All(answers, refused =>
        {
            Assert.Equal(answer, refused.Summary);
            refused.IsProblem(answer[0..3] == "410" ? ErrorCode.Gone : ErrorCode.PreconditionFailed, stored: true, more);
        });
        AssertNotHeld(_bob.Http("b4", OpKind.Create, Precondition.NotExists, """{"a":2}""", replaces: true), Envelope.Tombstone(2, "alice", "a2"));
        Assert.Equal(2, _space.Changes.Count);
    }

    [Theory]
    [InlineData("update", "2", "410 gone")]
    [InlineData("delete", "2", "410 gone")]
    [InlineData("update", "1", "412 precondition-failed")]
    [InlineData("delete", "*", "412 precondition-failed")]
    [InlineData("create", "2", "409 already-exists")]
    [InlineData("create", "1", "412 precondition-failed")]
    public void A_strict_op_that_meets_a_tombstone_is_refused_and_never_parked(string kind, string condition, string answer)
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        var patch = kind == "delete" ? "" : ",\"patch\":{\"a\":2}";
        var refused = _bob.One($"{Client.Head("b1", kind, "r")}{patch}}}", Parse(condition));
        Assert.Equal(answer, refused.Summary);
        Assert.True(refused.Outcome.IsStored);
        Assert.Equal((Envelope.Tombstone(2, "alice", "a2"), null), (refused["/current"]?.ToString(), refused["/conflictId"]));
        Assert.Null(_space.Conflict(_bob));
    }

    [Theory]
    [InlineData("create", "2", "409 already-exists")]
    [InlineData("create", "*", "409 already-exists")]
    [InlineData("create", "1", "412 precondition-failed")]
    [InlineData("restore", "2", "409 already-exists")]
    [InlineData("restore", "1", "412 precondition-failed")]
    public void A_strict_create_or_restore_of_a_live_record_is_refused_and_never_parked(string kind, string condition, string answer)
    {
        CreateAndEdit();
        var patch = kind == "create" ? ",\"patch\":{\"a\":2}" : "";
        var refused = _bob.One($"{Client.Head("b1", kind, "r")}{patch}}}", Parse(condition));
        Assert.Equal((answer, true), (refused.Summary, refused.Outcome.IsStored));
        Assert.Equal(("2", null), (refused["/current/rev"]?.ToString(), refused["/conflictId"]));
        Assert.Null(_space.Conflict(_bob));
    }

    [Fact]
    public void A_strict_restore_brings_exactly_its_tombstone_back()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        Assert.Equal("200 applied", _bob.One(Client.Head("b1", "restore", "r") + "}", Precondition.Exactly(2)).Summary);
    }

    [Fact]
    public void If_None_Match_makes_a_record_that_never_existed_and_no_other()
    {
        var made = _alice.Http("a1", OpKind.Create, Precondition.NotExists, """{"a":1}""", replaces: true);
        Assert.Equal(("201 applied", "/v1/spaces/me/records/note/r", "\"rev-1\""), (made.Summary, made.Outcome.Location, made.Outcome.ETag));
        _alice.Http("a2", OpKind.Create, Precondition.NotExists, """{"a":1}""", replaces: true).IsProblem(ErrorCode.PreconditionFailed, stored: true,
            $$"""{"current":{{Envelope.Live(1, "alice", "a1", """{"a":1}""")}},"etag":"\"rev-1\""}""");
    }

    [Fact]
    public void A_put_with_If_Match_where_nothing_ever_was_is_412_and_the_others_are_404()
    {
        _alice.Http("a1", OpKind.Update, Any, """{"a":1}""", replaces: true).IsProblem(ErrorCode.PreconditionFailed, stored: true);
        _alice.Http("a2", OpKind.Update, Any, """{"a":1}""").IsProblem(ErrorCode.RecordNotFound, stored: false);
        _alice.Http("a3", OpKind.Delete, Precondition.Exactly(1)).IsProblem(ErrorCode.RecordNotFound, stored: false);
        _alice.Http("a4", OpKind.Restore, null).IsProblem(ErrorCode.RecordNotFound, stored: false);
    }

    [Fact]
    public void A_put_replaces_the_data_and_has_an_ETag_only_where_it_was_stored_as_sent()
    {
        CreateAndEdit();
        var put = _bob.Http("b1", OpKind.Update, Precondition.Exactly(2), """{"c":{"x":1}}""", replaces: true);
        put.Is(200, $$$"""{"opId":"b1","status":200,"result":"applied","record":{{{Envelope.Live(3, "bob", "b1", """{"c":{"x":1}}""")}}}}""");
        var normalised = _bob.Http("b2", OpKind.Update, Precondition.Exactly(3), """{"c":{"x":2,"y":null}}""", replaces: true);
        Assert.Equal(("200 applied", null), (normalised.Summary, normalised.Outcome.ETag));
        Assert.Equal("""{"c":{"x":2}}""", normalised["/record/data"]?.ToString());
        Assert.Equal("\"rev-4\"", _bob.Http("b3", OpKind.Update, Precondition.Exactly(4), """{"c":{"x":2}}""", replaces: true).Outcome.ETag);
        Assert.Equal(4, _space.Find()!.Rev);
    }

    [Fact]
    public void A_plain_delete_and_restore_leave_a_tombstone_and_bring_it_back()
    {
        CreateAndEdit();
        _bob.Http("b1", OpKind.Delete, Precondition.Exactly(2)).Is(200,
            $$"""{"opId":"b1","status":200,"result":"applied","record":{{Envelope.Tombstone(3, "bob", "b1")}}}""");
        _bob.Http("b2", OpKind.Restore, Precondition.Exactly(2)).IsProblem(ErrorCode.PreconditionFailed, stored: true,
            $$"""{"current":{{Envelope.Tombstone(3, "bob", "b1")}},"etag":"\"rev-3\""}""");
        _bob.Http("b3", OpKind.Restore, null).Is(200,
            $$"""{"opId":"b3","status":200,"result":"applied","record":{{Envelope.Live(4, "bob", "b3", """{"a":1,"b":2}""")}}}""");
    }

    [Fact]
    public void A_plain_restore_of_a_live_record_already_exists_and_parks_nothing()
    {
        CreateAndEdit();
        _bob.Http("b1", OpKind.Restore, null).IsProblem(ErrorCode.AlreadyExists, stored: true,
            $$"""{"current":{{Envelope.Live(2, "alice", "a2", """{"a":1,"b":2}""")}},"etag":"\"rev-2\""}""");
        Assert.Null(_space.Conflict(_bob));
    }

    [Fact]
    public void A_plain_restore_of_purged_data_is_gone()
    {
        _alice.Create("a1", """{"a":1}""");
        _alice.Delete("a2", 1);
        _space.PurgeData();
        Assert.Equal("410 purged", _bob.Http("b1", OpKind.Restore, null).Summary);
    }

    [Fact]
    public void A_plain_write_neither_joins_nor_waits_for_an_open_conflict()
    {
        CreateAndEdit();
        Assert.Equal("409 conflict", _bob.Update("b1", 1, """{"b":3}""").Summary);
        Assert.Equal("200 applied", _bob.Http("b2", OpKind.Update, Precondition.Exactly(2), """{"b":4}""").Summary);
    }

    private static Precondition Parse(string condition) => condition switch
    {
        "*" => Any,
        "none" => Precondition.NotExists,
        _ => new Precondition(true, [.. condition.Split(',').Select(long.Parse)]),
    };
}
