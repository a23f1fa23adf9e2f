using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Tests.Merge.Values;

public class SetMergeTests
{
    private static readonly Gen<JsonValue[]> Sets =
        Gen.SubListOf("1", "\"1\"", "null", "{\"a\":1,\"b\":2}", "[1,2]", "[]").SelectMany(Gen.Shuffle)
            .Select(elements => elements.Select(Worlds.ParsedValue).ToArray());

    [Theory]
    [InlineData("[3,1]", "[2,1.0,2]", "[3,1,2]")]
    [InlineData("[]", "[1,1,1]", "[1]")]
    [InlineData("[1,1]", "[2]", "[1,1,2]")]
    [InlineData("[{\"a\":1,\"b\":2}]", "[{\"b\":2,\"a\":1e0}]", "[{\"a\":1,\"b\":2}]")]
    public void A_union_keeps_what_is_there_and_appends_what_is_new_once(string list, string additions, string union) =>
        Assert.Equal(union, Text(SetMerge.Union(List(list), List(additions))));

    [Theory]
    [InlineData("[3,1,2,1]", "[1.0,9]", "[3,2]")]
    [InlineData("[]", "[1]", "[]")]
    [InlineData("[1]", "[]", "[1]")]
    public void Removing_takes_every_equal_element(string list, string removals, string rest) =>
        Assert.Equal(rest, Text(SetMerge.Except(List(list), List(removals))));

    [Theory]
    [InlineData("[1,2,3]", "[1,2,3,4]", "[2,3,5]", "[2,3,4,5]")]
    [InlineData("[1]", "[]", "[1]", "[]")]
    [InlineData("[1]", "[]", "[1,2]", "[2]")]
    [InlineData("[]", "[1]", "[1]", "[1]")]
    public void A_merge_keeps_both_sides_additions_and_removals(string before, string theirs, string yours, string merged) =>
        Assert.Equal(merged, Text(SetMerge.ThreeWay(List(before), List(theirs), List(yours))));

    [Fact]
    public void An_element_is_in_the_merge_as_the_side_that_changed_it_says() =>
        Property.Holds(Sets.Three(), sets =>
        {
            var (before, theirs, yours) = sets;
            var merged = SetMerge.ThreeWay(before, theirs, yours);
            Assert.Equal(merged.Distinct().Count(), merged.Count);
            Assert.Equal(merged.ToHashSet(), SetMerge.ThreeWay(before, yours, theirs).ToHashSet());
            foreach (var element in before.Union(theirs).Union(yours))
            {
                var changedByYou = before.Contains(element) != yours.Contains(element);
                Assert.Equal(changedByYou ? yours.Contains(element) : theirs.Contains(element), merged.Contains(element));
            }
        }, worlds: 5_000);

    [Fact]
    public void A_merge_with_an_unchanged_side_is_the_other_side() =>
        Property.Holds(Sets.Two(), sets =>
        {
            Assert.Equal(sets.Item2, SetMerge.ThreeWay(sets.Item1, sets.Item2, sets.Item1));
            Assert.Equal(sets.Item2.ToHashSet(), SetMerge.ThreeWay(sets.Item1, sets.Item1, sets.Item2).ToHashSet());
        });

    private static IReadOnlyList<JsonValue> List(string json) => ((JsonArray)Worlds.ParsedValue(json)).Items;

    private static string Text(IReadOnlyList<JsonValue> list) => new JsonArray(list).ToString();
}
