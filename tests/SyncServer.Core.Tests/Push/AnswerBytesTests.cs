namespace SyncServer.Core.Tests.Push;

/// <summary>Small ops on a large record, whose answers are large.</summary>
public class AnswerBytesTests
{
    private const string Filled = "429 too-many-requests";

    private readonly Space _space = new() { Limits = new Limits { PushAnswerBytesMax = 2_500 } };
    private readonly Client _alice;

    public AnswerBytesTests()
    {
        _alice = _space.Client("alice", "phone");
        _alice.Create("large", $$"""{"a":0,"text":"{{new string('x', 1_000)}}"}""");
    }

    private static string[] Edits(int from, int count) =>
        [.. Enumerable.Range(from, count).Select(i => $$"""{{Client.Head($"op{i}", "update", "r")}},"baseRev":1,"patch":{"a":{{i}} } }""")];

    private static IEnumerable<string> Summaries(IEnumerable<Answer> answers) => answers.Select(answer => answer.Summary);

    [Fact]
    public void The_ops_of_a_batch_that_its_answer_has_no_room_for_are_not_stored_and_go_into_the_next()
    {
        var first = _alice.Batch(Edits(1, 5));
        Assert.Equal(["200 applied", "200 applied", "200 applied", Filled, Filled], Summaries(first));
        first[4].IsProblem(ErrorCode.TooManyRequests, stored: false);
        Assert.Equal((4, 4), ((int)_space.Find()!.Rev, _space.Changes.Count));
        Assert.Equal(["200 applied", "200 applied"], Summaries(_alice.Batch(Edits(4, 2))));
    }

    [Fact]
    public void Repeats_fill_an_answer_too()
    {
        _alice.Batch(Edits(1, 5));
        var again = _alice.Batch(Edits(1, 5));
        Assert.Equal([true, true, true, false, false], again.Select(answer => answer.Outcome.Replayed));
        Assert.Equal([Filled, Filled], Summaries(again.Skip(3)));
    }

    [Fact]
    public void One_answer_always_has_room()
    {
        var space = new Space { Limits = new Limits { PushAnswerBytesMax = 1 } };
        Assert.Equal("201 applied", space.Client("alice", "phone").Create("a1", """{"a":1}""").Summary);
    }

    [Fact]
    public void An_atomic_batch_that_its_answer_has_no_room_for_is_too_large()
    {
        Assert.Equal(["424 batch-failed", "424 batch-failed", "424 batch-failed", "413 too-large", "424 batch-failed"], Summaries(_alice.Atomic(Edits(1, 5))));
        Assert.Single(_space.Changes);
    }
}
