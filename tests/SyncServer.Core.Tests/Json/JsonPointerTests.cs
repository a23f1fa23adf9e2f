using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Json;

public class JsonPointerTests
{
    [Fact]
    public void Every_leaf_is_found_by_its_pointer() =>
        Property.Holds(Worlds.Data, data =>
        {
            var byPointer = Worlds.Leaves(data).ToDictionary(leaf => leaf.Path, leaf => leaf.Value);
            Assert.Equal(CountOf(data), byPointer.Count);
            Assert.Equal(data, byPointer.Keys.Aggregate(JsonObject.Empty, (patch, path) => MergePatch.Apply(patch, PatchAt(path, byPointer[path]))));
        });

    /// <summary>The examples of RFC 6901, 5, that do not walk into arrays.</summary>
    [Theory]
    [InlineData("", """{"a/b":1,"m~n":8,"~1":9,"":0}""")]
    [InlineData("/a~1b", "1")]
    [InlineData("/m~0n", "8")]
    [InlineData("/~01", "9")]
    [InlineData("/", "0")]
    [InlineData("/x", null)]
    [InlineData("/m~0n/x", null)]
    public void A_pointer_is_read_as_RFC_6901_says(string pointer, string? value) =>
        Assert.Equal(value, JsonPointer.Find(Worlds.Parsed("""{"a/b":1,"m~n":8,"~1":9,"":0}"""), pointer)?.ToString());

    [Theory]
    [InlineData("/a", "/a", true)]
    [InlineData("/a", "/a/b", true)]
    [InlineData("", "/a", true)]
    [InlineData("/a", "/a~1b", false)]
    [InlineData("/a", "/ab", false)]
    [InlineData("/a/b", "/a/c", false)]
    [InlineData("/", "/a", false)]
    [InlineData("/", "//a", true)]
    public void A_parent_meets_every_path_below_it(string left, string right, bool meet)
    {
        Assert.Equal(meet, JsonPointer.Meet(left, right));
        Assert.Equal(meet, JsonPointer.Meet(right, left));
    }

    private static int CountOf(JsonObject data) =>
        data.Members.Sum(member => member.Value is JsonObject { Count: > 0 } inner ? CountOf(inner) : 1);

    private static JsonObject PatchAt(string pointer, JsonValue value) =>
        (JsonObject)pointer.Split('/').Skip(1).Reverse().Aggregate(value, (inner, token) =>
            JsonObject.Of((token.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal), inner)));
}
