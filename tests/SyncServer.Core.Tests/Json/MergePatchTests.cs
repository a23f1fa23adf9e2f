using FsCheck.Fluent;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Json;

public class MergePatchTests
{
    /// <summary>The examples of RFC 7396, appendix A, whose target and patch are objects, as data is.</summary>
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""{"e":"f"}""", """{"a":1}""", """{"e":"f","a":1}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [InlineData("""{"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"This will be unchanged"}""",
        """{"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]}""",
        """{"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"This will be unchanged","phoneNumber":"+01-123-456-7890"}""")]
    [InlineData("""{"a":1}""", """{"a":{}}""", """{"a":{}}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{}}""", """{"a":{"b":1}}""")]
    [InlineData("{}", """{"a":[null,{"b":null}]}""", """{"a":[null,{"b":null}]}""")]
    public void A_patch_is_applied_as_RFC_7396_says(string target, string patch, string result) =>
        Assert.Equal(result, MergePatch.Apply(Worlds.Parsed(target), Worlds.Parsed(patch)).ToString());

    [Fact]
    public void A_difference_applied_to_the_one_gives_the_other() =>
        Property.Holds(Worlds.Data.Two(), pair =>
        {
            var (from, to) = pair;
            var patch = MergePatch.Diff(from, to);
            Assert.Equal(to, MergePatch.Apply(from, patch));
            Assert.Equal(JsonValue.Same(from, to), patch.Count == 0);
        }, worlds: 5_000);

    [Fact]
    public void A_difference_names_nothing_that_is_the_same() =>
        Property.Holds(Worlds.Data.Two(), pair =>
            Assert.DoesNotContain(MergePatch.Touched(MergePatch.Diff(pair.Item1, pair.Item2)),
                path => JsonValue.Same(JsonPointer.Find(pair.Item1, path), JsonPointer.Find(pair.Item2, path))));

    [Fact]
    public void A_patch_applied_twice_is_applied_once() =>
        Property.Holds(Worlds.Data.Zip(Worlds.Patches), pair =>
        {
            var once = MergePatch.Apply(pair.Item1, pair.Item2);
            Assert.Equal(once, MergePatch.Apply(once, pair.Item2));
        });

    [Fact]
    public void Data_never_holds_null_whatever_the_patch() =>
        Property.Holds(Worlds.Data.Zip(Worlds.Patches), pair =>
            Assert.DoesNotContain(JsonLiteral.Null, Worlds.Leaves(MergePatch.Apply(pair.Item1, pair.Item2)).Select(leaf => leaf.Value)));

    [Fact]
    public void What_a_patch_does_not_touch_stays() =>
        Property.Holds(Worlds.Data.Zip(Worlds.Patches), pair =>
        {
            var touched = MergePatch.Touched(pair.Item2).ToList();
            var after = MergePatch.Apply(pair.Item1, pair.Item2);
            Assert.All(Worlds.Leaves(pair.Item1).Where(leaf => !touched.Exists(path => JsonPointer.Meet(path, leaf.Path))),
                leaf => Assert.Equal(leaf.Value, JsonPointer.Find(after, leaf.Path)));
        });
}
