namespace SyncServer.Core.Tests.Push;

/// <summary>A patch is logged as it was sent, so it has a bound of its own: four of the largest records.</summary>
public sealed class PatchBytesTests
{
    private readonly Space _space = new() { Limits = new Limits { RecordBytesMax = 1000 } };

    [Theory]
    [InlineData(360, "200 applied")]
    [InlineData(370, "422 rejected")]
    public void A_patch_that_changes_nothing_is_refused_where_no_record_needs_it(int members, string expected)
    {
        var alice = _space.Client("alice", "phone");
        alice.Create("c", """{"a":1}""");
        var answer = alice.Update("u", 1, Nulls(members));
        Assert.Equal((expected, true), (answer.Summary, answer.Outcome.IsStored));
        Assert.Equal("""{"a":1}""", _space.Data());
    }

    [Fact]
    public void The_refusal_says_how_large_the_patch_is()
    {
        var alice = _space.Client("alice", "phone");
        alice.Create("c", """{"a":1}""");
        alice.Update("u", 1, Nulls(500)).IsProblem(ErrorCode.Rejected, stored: true, $$$"""
            {"current":{{{Envelope.Live(1, "alice", "c", """{"a":1}""")}}},"etag":"\"rev-1\"",
             "errors":[{"pointer":"","detail":"The patch is 5501 bytes; the limit is 4000."}]}
            """);
    }

    [Fact]
    public void A_create_is_measured_as_it_was_sent_too()
    {
        Assert.Equal("422 rejected", _space.Client("alice", "phone").Create("c", Nulls(500)).Summary);
        Assert.Null(_space.Find());
    }

    /// <summary>A patch with eleven bytes for each member, and one more.</summary>
    private static string Nulls(int members) => $"{{{string.Join(',', Enumerable.Range(100, members).Select(i => $"\"{i}\":null"))}}}";
}
