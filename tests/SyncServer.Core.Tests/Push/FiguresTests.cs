using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Push;

/// <summary>What was counted in a space, as it stands in its row.</summary>
public class FiguresTests
{
    // No entity has such names: what is written can be read whatever they are.
    private static readonly string[] Names =
        ["", "note", "Note", "$member", new string('e', Limits.EntityLength), "a\"b", "a\\b", "{}", "é\u2028\U0001f600", "\n'<&+"];

    private static readonly Gen<long> Number = Gen.Elements(0L, 0L, 1L, 2L, 10L, 9_007_199_254_740_993, long.MaxValue / 64);

    private static readonly Gen<ulong> Sum = Gen.Elements(0UL, 1UL, 0xffUL, 9_007_199_254_740_993UL, 1UL << 63, ulong.MaxValue, 0xb086da37a6e890f2);

    private static readonly Gen<Tally> Counted = Gen.ArrayOf(Number, 9).SelectMany(numbers => Sum.Select(sum => new Tally
    {
        Live = numbers[0],
        Sum = sum,
        Applied = numbers[1],
        Merged = numbers[2],
        Parked = numbers[3],
        Refused = numbers[4],
        Replayed = numbers[5],
        Reused = numbers[6],
        Opened = numbers[7],
        Resolved = numbers[8],
    }));

    private static readonly Gen<(string Entity, Tally Tally)[]> Transaction =
        Gen.ArrayOf(Gen.Elements(Names).SelectMany(name => Counted.Select(tally => (name, tally))));

    private static string Text(Figures figures) => Encoding.UTF8.GetString(figures.Json.Span);

    private static Figures Stored(string json) => new(Encoding.UTF8.GetBytes(json));

    private static Tallies Of(params (string Entity, Tally Tally)[] counted)
    {
        var tallies = new Tallies();
        foreach (var (entity, tally) in counted)
        {
            tallies.Add(entity, tally);
        }

        return tallies;
    }

    [Fact]
    public void What_is_0_is_left_out_and_a_sum_keeps_its_leading_zeros()
    {
        var figures = Figures.None.Plus(Of(("note", new Tally { Live = 2, Sum = 0xf, Applied = 3 }), ("", new Tally { Refused = 1 })));
        Assert.Equal("""{"note":{"live":2,"sum":"000000000000000f","applied":3},"":{"refused":1}}""", Text(figures));
        Assert.Equal(
            """{"note":{"live":1,"sum":"fffffffffffffffe","applied":4},"":{"refused":1},"task":{"replayed":1}}""",
            Text(figures.Plus(Of(("task", new Tally { Replayed = 1 }), ("note", new Tally { Live = -1, Sum = unchecked(0UL - 0x11), Applied = 1 })))));
    }

    [Fact]
    public void What_somebody_else_wrote_is_read_and_left_as_it_is_where_nothing_is_gained()
    {
        var figures = Stored("""{ "note" : {"live":2, "sum":"00000000000000ff"}, "\u0024member" : { "live" : 1 } }""");
        Assert.Equal("""{"note":{"live":2, "sum":"00000000000000ff"},"$member":{"live":2}}""", Text(figures.Plus(Of(("$member", new Tally { Live = 1 })))));
    }

    [Fact]
    public void A_figure_that_is_not_known_is_not_lost_but_an_error()
    {
        var figures = Stored("""{"note":{"live":2,"moved":1}}""");
        Assert.Throws<JsonException>(() => figures.Plus(Of(("note", new Tally { Live = 1 }))));
        Assert.Throws<JsonException>(() => figures.Checksums([]));
        figures = figures.Plus(Of(("task", new Tally { Live = 1 })));
        Assert.Equal("""{"note":{"live":2,"moved":1},"task":{"live":1}}""", Text(figures));
        Assert.Equal(
            """{"note":{"live":2,"moved":1},"task":{"live":2},"new":{"live":1},"last":{"live":1}}""",
            Text(figures.Plus(Of(("new", new Tally { Live = 1 }), ("task", new Tally { Live = 1 }), ("last", new Tally { Live = 1 })))));
    }

    [Fact]
    public void Checksums_are_of_the_entities_that_are_asked_for_or_of_all_that_have_live_records()
    {
        var figures = Stored("""{"z":{"live":1,"sum":"ffffffffffffffff"},"gone":{"applied":2},"a":{"live":3,"sum":"0000000000000001"}}""");
        Assert.Equal([("a", new Checksum(3, 1)), ("z", new Checksum(1, ulong.MaxValue))], figures.Checksums([]).Select(entity => (entity.Key, entity.Value)));
        Assert.Equal(
            [("gone", default), ("never", default), ("z", new Checksum(1, ulong.MaxValue))],
            figures.Checksums(["z", "never", "gone", "z"]).Select(entity => (entity.Key, entity.Value)));
        Assert.Empty(Figures.None.Checksums([]));
    }

    [Fact]
    public void Whatever_transactions_add_one_by_one_is_what_they_add_together() =>
        Property.Holds(Gen.ArrayOf(Transaction), transactions =>
        {
            var figures = transactions.Aggregate(Figures.None, (sum, counted) => sum.Plus(Of(counted)));
            var read = new Tallies();
            figures.AddTo(read);
            var expected = Of([.. transactions.SelectMany(counted => counted)]);
            Assert.Equal(expected.ByEntity.OrderBy(entity => entity.Key, StringComparer.Ordinal), read.ByEntity.OrderBy(entity => entity.Key, StringComparer.Ordinal));
            using var parsed = JsonDocument.Parse(figures.Json);
            Assert.Equal(expected.ByEntity.Count, parsed.RootElement.EnumerateObject().Count());
        });

    [Fact]
    public void A_space_has_at_most_so_many_entities_and_goes_on_with_those_that_it_has()
    {
        var alice = new Space().Client("alice", "phone");
        var created = alice.Batch([.. Enumerable.Range(1, Limits.EntitiesPerSpace - 1).Select(n => Create($"a{n}", $"entity{n}"))]);
        Assert.All(created, answer => Assert.Equal(201, answer.Outcome.Status));
        var answers = alice.Batch(Create("b1", "last"), Create("b2", "beyond"), Create("b3", "last"), Create("b4", "entity7"));
        Assert.Equal([201, 400, 201, 201], answers.Select(answer => answer.Outcome.Status));
        answers[1].IsProblem(
            ErrorCode.InvalidRequest, stored: false,
            """{"errors":[{"pointer":"/entity","detail":"The space has 1000 entities, and this would be one more."}]}""");
        Assert.Equal([400, 201], alice.Batch(Create("b2", "beyond"), Create("b5", "entity8")).Select(answer => answer.Outcome.Status));
    }

    [Fact]
    public void A_declared_entity_finds_its_place_in_a_space_that_is_full_of_others()
    {
        var alice = Space.Of("{}").Client("alice", "phone");
        var created = alice.Batch([.. Enumerable.Range(1, Limits.EntitiesPerSpace).Select(n => Create($"a{n}", $"entity{n}"))]);
        Assert.All(created, answer => Assert.Equal(201, answer.Outcome.Status));
        Assert.Equal([400, 201], alice.Batch(Create("b1", "beyond"), Create("b2", "note")).Select(answer => answer.Outcome.Status));
        Assert.Equal([400, 201], alice.Batch(Create("b1", "beyond"), Create("b3", "note")).Select(answer => answer.Outcome.Status));
    }

    [Fact]
    public void Many_entities_gain_and_are_read_like_few()
    {
        var gains = Of([.. Enumerable.Range(0, 5_000).Select(n => ($"entity{n}", new Tally { Live = n, Sum = Checksum.DigestOf(new("note", $"{n}"), 1) }))]);
        var read = new Tallies();
        Figures.None.Plus(gains).Plus(gains).AddTo(read);
        Assert.Equal(gains.ByEntity.Select(entity => (entity.Key, entity.Value + entity.Value)), read.ByEntity.Select(entity => (entity.Key, entity.Value)));
    }

    private static string Create(string opId, string entity) => Client.Head(opId, "create", opId).Replace("\"note\"", $"\"{entity}\"") + ""","patch":{}}""";
}
