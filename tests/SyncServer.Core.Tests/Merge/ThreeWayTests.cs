using FsCheck.Fluent;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Tests.Merge;

public class ThreeWayTests
{
    private static MergeResult Merge(JsonObject @base, JsonObject theirs, JsonObject yours) =>
        ThreeWay.Merge(@base, theirs, yours, new MergeRules(new EntityDefinition("note")));

    private static MergeResult Merge(string @base, string theirs, string yours) =>
        Merge(Worlds.Parsed(@base), Worlds.Parsed(theirs), Worlds.Parsed(yours));

    [Fact]
    public void What_only_they_changed_stays() =>
        Property.Holds(Worlds.Data.Two(), pair => AssertMerged(pair.Item2, Merge(pair.Item1, pair.Item2, pair.Item1)));

    [Fact]
    public void What_only_you_changed_is_taken() =>
        Property.Holds(Worlds.Data.Two(), pair => AssertMerged(pair.Item2, Merge(pair.Item1, pair.Item1, pair.Item2)));

    [Fact]
    public void What_both_changed_alike_is_agreed() =>
        Property.Holds(Worlds.Data.Two(), pair => AssertMerged(pair.Item2, Merge(pair.Item1, pair.Item2, pair.Item2)));

    [Fact]
    public void The_two_sides_conflict_alike_whichever_of_them_is_yours() =>
        Property.Holds(Worlds.Data.Three(), world =>
        {
            var (@base, theirs, yours) = world;
            var (here, there) = (Merge(@base, theirs, yours), Merge(@base, yours, theirs));
            Assert.Equal(here.Conflicts.Count == 0, there.Conflicts.Count == 0);
            if (here.Conflicts.Count == 0)
            {
                Assert.Equal(here.Merged, there.Merged);
            }
        }, worlds: 10_000);

    [Fact]
    public void A_merge_invents_nothing_and_loses_nothing() =>
        Property.Holds(Worlds.Data.Three(), world =>
        {
            var (@base, theirs, yours) = world;
            var result = Merge(@base, theirs, yours);
            if (result.Conflicts.Count > 0)
            {
                return;
            }

            Assert.All(Worlds.Leaves(result.Merged).Where(leaf => leaf.Value is not JsonObject), leaf => Assert.True(
                JsonValue.Same(JsonPointer.Find(theirs, leaf.Path), leaf.Value) || JsonValue.Same(JsonPointer.Find(yours, leaf.Path), leaf.Value)));
            AssertTaken(@base, theirs, result.Merged);
            AssertTaken(@base, yours, result.Merged);
        }, worlds: 10_000);

    [Fact]
    public void A_conflict_names_what_both_changed_and_nobody_agreed_on() =>
        Property.Holds(Worlds.Data.Three(), world =>
        {
            var (@base, theirs, yours) = world;
            Assert.All(Merge(@base, theirs, yours).Conflicts, conflict =>
            {
                Assert.Equal(new Explanation(conflict.Path, "review", JsonPointer.Find(@base, conflict.Path),
                    JsonPointer.Find(theirs, conflict.Path), JsonPointer.Find(yours, conflict.Path)), conflict);
                Assert.False(JsonValue.Same(conflict.Yours, conflict.Base));
                Assert.False(JsonValue.Same(conflict.Yours, conflict.Theirs));
            });
        }, worlds: 10_000);

    [Fact]
    public void Edits_of_different_fields_commute() =>
        Property.Holds(Worlds.Data.Zip(Worlds.Patches.Two()), world =>
        {
            var (@base, (one, other)) = world;
            var values = Worlds.Leaves(@base).Where(leaf => leaf.Value is not JsonObject).Select(leaf => leaf.Path).ToList();
            bool ReplacesOneOf(JsonObject patch) => MergePatch.Touched(patch).Any(path => values.Exists(value => value != path && JsonPointer.Meet(value, path)));
            if (MergePatch.Touched(one).Any(path => MergePatch.Touched(other).Any(met => JsonPointer.Meet(path, met)))
                || (ReplacesOneOf(one) && ReplacesOneOf(other)))
            {
                return;
            }

            var (theirs, yours) = (MergePatch.Apply(@base, one), MergePatch.Apply(@base, other));
            AssertMerged(MergePatch.Apply(theirs, other), Merge(@base, theirs, yours));
            AssertMerged(MergePatch.Apply(yours, one), Merge(@base, yours, theirs));
        }, worlds: 10_000);

    [Theory]
    [InlineData("""{"a":{"x":1}}""", """{"a":{"x":2}}""", "{}", "/a")]
    [InlineData("""{"a":{"x":1}}""", """{"a":5}""", """{"a":{"x":2}}""", "/a/x")]
    [InlineData("""{"a":{"x":1,"y":1,"z":1}}""", "{}", """{"a":{"x":2,"z":1,"n":1}}""", "/a/x", "/a/n")]
    [InlineData("""{"a":{"x":1,"y":1}}""", """{"a":{"y":1,"z":1}}""", "{}", "/a")]
    [InlineData("{}", """{"a":1}""", """{"a":{"x":1}}""", "/a")]
    [InlineData("""{"a":[1]}""", """{"a":[1,2]}""", """{"a":[1,3]}""", "/a")]
    [InlineData("""{"a":1}""", """{"a":{"x":1}}""", """{"a":{"y":1}}""", "/a")]
    public void A_change_to_a_parent_meets_every_path_below_it(string @base, string theirs, string yours, params string[] paths) =>
        Assert.Equal(paths, Merge(@base, theirs, yours).Conflicts.Select(conflict => conflict.Path));

    [Theory]
    [InlineData("{}", """{"a":{"x":1}}""", """{"a":{"y":1}}""", """{"a":{"x":1,"y":1}}""")]
    [InlineData("""{"a":{"x":1,"y":1}}""", """{"a":{"y":1}}""", """{"a":{"x":1}}""", """{"a":{}}""")]
    [InlineData("""{"a":1,"b":1}""", """{"b":1}""", """{"a":1,"b":2}""", """{"b":2}""")]
    [InlineData("""{"a":{"x":1,"y":1}}""", """{"a":{"y":1}}""", "{}", "{}")]
    [InlineData("""{"a":{"x":1,"y":1}}""", """{"a":5}""", """{"a":{"y":1}}""", """{"a":5}""")]
    [InlineData("""{"a":1}""", """{"a":1.0}""", """{"a":2}""", """{"a":2}""")]
    public void Objects_merge_member_by_member(string @base, string theirs, string yours, string merged) =>
        AssertMerged(Worlds.Parsed(merged), Merge(@base, theirs, yours));

    [Fact]
    public void Every_path_that_either_side_changed_is_explained()
    {
        var result = Merge("""{"same":1,"mine":1,"theirs":1,"both":1}""", """{"same":1,"mine":1,"theirs":2,"both":3}""", """{"same":1,"mine":2,"theirs":1,"both":3}""");
        static JsonNumber Number(long value) => JsonNumber.Of(value);
        Assert.Equal(
            [
                new Explanation("/mine", "review", Number(1), Number(1), Number(2), Number(2)),
                new Explanation("/theirs", "review", Number(1), Number(2), Number(1), Number(2)),
                new Explanation("/both", "review", Number(1), Number(3), Number(3), Number(3)),
            ],
            result.Explanations);
        Assert.Empty(result.Conflicts);
    }

    private static void AssertMerged(JsonObject expected, MergeResult result)
    {
        Assert.Empty(result.Conflicts);
        Assert.Equal(expected, result.Merged);
    }

    /// <summary>Every leaf that the side set or took away since base is so in the merged data.</summary>
    private static void AssertTaken(JsonObject @base, JsonObject side, JsonObject merged) =>
        Assert.All(MergePatch.Touched(MergePatch.Diff(@base, side)), path =>
        {
            var wanted = JsonPointer.Find(side, path);
            var got = JsonPointer.Find(merged, path);

            // An object that one side made may have gained members of the other.
            Assert.True(wanted is JsonObject { Count: 0 } ? got is JsonObject : JsonValue.Same(wanted, got), path);
        });
}
