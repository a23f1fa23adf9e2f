using System.Text;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Tests.Records;

public class FieldChangeTests
{
    [Theory]
    [InlineData("{}", """{"a":1,"b":{"c":[null]}}""", "/a -> 1; /b/c -> [null]")]
    [InlineData("""{"a":1}""", """{"a":2}""", "/a 1 -> 2")]
    [InlineData("""{"a":1,"b":2}""", """{"b":2}""", "/a 1 -> ")]
    [InlineData("""{"a":{"b":1,"c":2}}""", """{"a":{"b":1,"c":3}}""", "/a/c 2 -> 3")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{}}""", "/a/b 1 -> ")]
    [InlineData("""{"a":{"b":1}}""", """{}""", "/a/b 1 -> ")]
    [InlineData("{}", """{"a":{}}""", "/a -> {}")]
    [InlineData("""{"a":{}}""", "{}", "/a {} -> ")]
    [InlineData("""{"a":"x"}""", """{"a":{"b":1}}""", """/a "x" -> {"b":1}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":[1]}""", """/a {"b":1} -> [1]""")]
    [InlineData("""{"a/b":{"~":1}}""", """{"a/b":{"~":2}}""", "/a~1b/~0 1 -> 2")]
    public void A_change_tells_every_leaf_it_touched_with_its_values(string from, string to, string expected)
    {
        var (before, after) = (Parse(from), Parse(to));
        Assert.Equal(expected, Describe(OpKind.Update, MergePatch.Diff(before, after), MergePatch.Diff(after, before)));
    }

    [Fact]
    public void A_create_tells_all_that_it_made_and_a_delete_all_that_it_took()
    {
        var data = Parse("""{"a":1,"b":{"c":2}}""");
        Assert.Equal("/a -> 1; /b/c -> 2", Describe(OpKind.Create, data, null));
        Assert.Equal("/a 1 -> ; /b/c 2 -> ", Describe(OpKind.Delete, null, data));
        Assert.Equal("", Describe(OpKind.Restore, null, null));
        Assert.Equal("", Describe(OpKind.Create, JsonObject.Empty, null));
    }

    private static string Describe(OpKind kind, JsonObject? patch, JsonObject? before)
    {
        var change = new Change
        {
            Seq = 1,
            Key = new RecordKey("note", "a"),
            Rev = 1,
            Kind = kind,
            OpId = "op",
            Principal = "p",
            Device = "",
            N = null,
            At = default,
            Tag = 0,
            Patch = patch,
            Sent = null,
            Before = before,
        };
        return string.Join("; ", FieldChange.Of(change).Select(field => $"{field.Path}{(field.Before is null ? "" : $" {field.Before}")} -> {field.After}"));
    }

    private static JsonObject Parse(string json) => (JsonObject)JsonParser.Parse(Encoding.UTF8.GetBytes(json)).Value!;
}
