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

    [Fact]
    public void A_queue_with_a_few_late_ops_is_decided_in_one_push()
    {
        // Going over everything anew for each op behind the first late one would copy 80 * 60 records of 50 KB.
        var phone = Started(50_000);
        string[] ops = [.. Enumerable.Range(1, 100).Select(n => Update(n, n % 20 == 0 ? n - 15 : n + 1, "mine"))];
        Assert.All(phone.Batch(ops), answer => Assert.Equal(200, answer.Outcome.Status));
        Assert.Equal("99", _space.Find("r")!.Data!.Value["mine"]!.ToString());
    }

    [Fact]
    public void Ops_without_a_base_pay_for_every_later_op_that_they_are_held_against()
    {
        // Each is held against 100 ops on 100 KB: six of them are under 64 MiB.
        var phone = StartedWithUnchanged();
        string[] ops = [.. Enumerable.Range(1, 500).Select(n => $$$$"""{{{{Client.Head($"i{n}", "update", "r")}}}},"patch":{"c":{"$inc":1}},"n":{{{{n}}}} }""")];
        AssertGoesOn(phone.Batch(ops), 6, "200 applied");
        Assert.Equal("6", _space.Find("r")!.Data!.Value["c"]!.ToString());
        AssertGoesOn([.. phone.Batch(ops).Skip(6)], 6, "200 applied");
    }

    [Fact]
    public void Late_ops_pay_for_their_place_also_where_they_are_rejected()
    {
        // Each finds its place among 101 changes of 100 KB, there and back: three of them are under 64 MiB.
        var phone = StartedWithUnchanged();
        string[] ops = [.. Enumerable.Range(1, 500).Select(n => $$$$"""{{{{Client.Head($"i{n}", "update", "r")}}}},"baseRev":1,"patch":{"body":{"$inc":1}},"n":{{{{n}}}} }""")];
        AssertGoesOn(phone.Batch(ops), 3, "422 rejected");
        AssertGoesOn([.. phone.Batch(ops).Skip(3)], 3, "422 rejected");
    }

    [Fact]
    public void What_later_ops_touch_is_paid_for_on_a_small_record_too()
    {
        // Nulls for members that are not there change nothing, and count as 8 * 4 * 0.97 MB.
        var phone = Started(10);
        var nulls = string.Join(',', Enumerable.Range(0, 70_000).Select(i => $"\"m{i}\":null"));
        phone.Batch([.. Enumerable.Range(1, 4).Select(n => $$$"""{{{Client.Head($"u{n}", "update", "r")}}},"baseRev":1,"patch":{ {{{nulls}}} },"n":{{{1000 + n}}} }""")]);
        string[] ops = [.. Enumerable.Range(1, 5).Select(n => $$$$"""{{{{Client.Head($"i{n}", "update", "r")}}}},"patch":{"c":{"$inc":1}},"n":{{{{n}}}} }""")];
        AssertGoesOn(phone.Batch(ops), 2, "200 applied");
    }

    private static void AssertGoesOn(IReadOnlyList<Answer> answers, int decided, string summary)
    {
        Assert.Equal(Enumerable.Repeat(summary, decided), answers.Take(decided).Select(answer => answer.Summary));
        Assert.All(answers.Skip(decided), answer => Assert.Equal((429, false), (answer.Outcome.Status, answer.Outcome.IsStored)));
    }

    /// <summary>The phone has sent 100 ops with large counters, which agreed with what was there.</summary>
    private Client StartedWithUnchanged()
    {
        var phone = Started(100_000);
        var answers = phone.Batch([.. Enumerable.Range(1, 100).Select(n => string.Create(CultureInfo.InvariantCulture,
            $$$"""{{{Client.Head($"u{n}", "update", "r")}}},"baseRev":1,"patch":{"theirs":1},"n":{{{1000 + n}}} }"""))]);
        Assert.All(answers, answer => Assert.Equal(2, answer.Outcome.Rev));
        return phone;
    }

    private Client Started(int bytes = 200_000)
    {
        var phone = _space.Client("alice", "phone");
        phone.Create("c", $$"""{"body":"{{new string('x', bytes)}}"}""");
        _space.Client("bob", "phone").Update("b", 1, """{"theirs":1}""");
        return phone;
    }

    private static string Update(int value, int n, string field) => string.Create(CultureInfo.InvariantCulture,
        $$$"""{{{Client.Head($"a{value}", "update", "r")}}},"baseRev":1,"patch":{"{{{field}}}":{{{value}}} },"n":{{{n}}} }""");
}
