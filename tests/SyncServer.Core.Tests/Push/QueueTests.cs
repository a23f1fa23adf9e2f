using System.Globalization;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Tests.Push;

/// <summary>The queue of a phone that was offline for a day costs what its ops cost, not their number squared.</summary>
public sealed class QueueTests
{
    private readonly Space _space = new();

    [Fact]
    public void A_long_queue_on_a_large_record_is_merged_op_by_op_without_going_over_all_before_it()
    {
        // Going over all earlier ops for each would copy 40 * 41 / 2 records of 200 KB: more than a push may.
        var phone = Started();
        var answers = phone.Batch([.. Enumerable.Range(1, 40).Select(n => Update(n, n, "mine"))]);
        Assert.All(answers, answer => Assert.Equal(200, answer.Outcome.Status));
        Assert.Equal("40", _space.Find("r")!.Data!.Value["mine"]!.ToString());
    }

    [Fact]
    public void Where_the_order_costs_too_much_the_rest_is_sent_again_and_nothing_of_it_is_stored()
    {
        // Every op is earlier than the one before it, so each has to find its place anew.
        var phone = Started();
        string[] ops = [.. Enumerable.Range(1, 40).Select(n => Update(n, 100 - n, $"field{n}"))];
        var rounds = 0;
        var answers = phone.Batch(ops);
        Assert.Contains(answers, answer => answer.Outcome is { Status: 429, IsStored: false });
        while (answers.Any(answer => answer.Outcome.Status == 429) && ++rounds < ops.Length)
        {
            answers = phone.Batch(ops);
        }

        Assert.All(answers, answer => Assert.Equal(200, answer.Outcome.Status));
        Assert.Equal(42, _space.Find("r")!.Data!.Value.Count);
    }

    private Client Started()
    {
        var phone = _space.Client("alice", "phone");
        phone.Create("c", $$"""{"body":"{{new string('x', 200_000)}}"}""");
        _space.Client("bob", "phone").Update("b", 1, """{"theirs":1}""");
        return phone;
    }

    private static string Update(int value, int n, string field) => string.Create(CultureInfo.InvariantCulture,
        $$$"""{{{Client.Head($"a{value}", "update", "r")}}},"baseRev":1,"patch":{"{{{field}}}":{{{value}}} },"n":{{{n}}} }""");
}
