using FsCheck.Fluent;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Json;

public class JsonValueTests
{
    [Theory]
    [InlineData("1", "1.0", "1e0", "10e-1", "0.1E+1", "100e-0002", "1.000")]
    [InlineData("0", "-0", "0.0", "-0e5", "0e99999999999", "0E-99999999999")]
    [InlineData("-15e1", "-150", "-1.5e2", "-0.15E3")]
    [InlineData("12345678901234567890", "1234567890123456789e1", "1234567890123456789.0e1")]
    [InlineData("1e-400", "10e-401", "0.1e-399")]
    public void Numbers_of_one_value_are_equal_and_hash_alike(params string[] tokens)
    {
        foreach (var (left, right) in tokens.SelectMany(left => tokens.Select(right => (new JsonNumber(left), new JsonNumber(right)))))
        {
            Assert.Equal(left, right);
            Assert.Equal(left.GetHashCode(), right.GetHashCode());
        }
    }

    [Theory]
    [InlineData("1", "-1")]
    [InlineData("1", "10")]
    [InlineData("1e2", "1e-2")]
    [InlineData("0.1", "0.01")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("0.1000000000000000055511151231", "0.1")]
    [InlineData("1e-400", "0")]
    public void Numbers_of_different_values_differ_also_where_doubles_do_not(string left, string right) =>
        Assert.NotEqual(new JsonNumber(left), new JsonNumber(right));

    [Theory]
    [InlineData("""{"a":1,"b":{"c":[1,2],"d":"x"}}""", """{ "b": { "d": "\u0078", "c": [1.0, 20e-1] }, "a": 1e0 }""", true)]
    [InlineData("[1,2]", "[2,1]", false)]
    [InlineData("""{"a":null}""", "{}", false)]
    [InlineData("""{"a":1}""", """{"a":1,"b":1}""", false)]
    [InlineData("""{"a":1,"b":1}""", """{"a":1,"c":1}""", false)]
    [InlineData("1", "\"1\"", false)]
    [InlineData("true", "1", false)]
    [InlineData("null", "false", false)]
    [InlineData("{}", "[]", false)]
    [InlineData("\"a\"", "\"A\"", false)]
    [InlineData("\"é\"", "\"e\u0301\"", false)]
    public void Equality_is_JSON_equality(string left, string right, bool equal)
    {
        var (a, b) = (Worlds.ParsedValue(left), Worlds.ParsedValue(right));
        Assert.Equal(equal, a.Equals(b));
        Assert.Equal(equal, b.Equals(a));
        Assert.True(!equal || a.GetHashCode() == b.GetHashCode());
    }

    [Fact]
    public void Equal_values_hash_alike() =>
        Property.Holds(Worlds.Values.Two(), pair =>
        {
            var ((left, right), equal) = (pair, pair.Item1.Equals(pair.Item2));
            Assert.Equal(equal, right.Equals(left));
            Assert.True(!equal || left.GetHashCode() == right.GetHashCode());
        }, worlds: 5_000);

    [Fact]
    public void Absent_is_the_same_as_absent_only()
    {
        Assert.True(JsonValue.Same(null, null));
        Assert.False(JsonValue.Same(null, JsonLiteral.Null));
        Assert.False(JsonValue.Same(JsonObject.Empty, null));
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("-0", 0L)]
    [InlineData("1e3", 1000L)]
    [InlineData("10.0", 10L)]
    [InlineData("9007199254740991", 9007199254740991L)]
    [InlineData("0e99999999999", 0L)]
    [InlineData("9007199254740992", null)]
    [InlineData("1e99", null)]
    [InlineData("1.5", null)]
    [InlineData("1e-30", null)]
    [InlineData("1e-99999999999", null)]
    [InlineData("1.000000000000000000000000000001", null)]
    [InlineData("9007199254740991.000000000000001", null)]
    public void An_integer_is_one_that_every_reader_keeps_exactly(string token, long? value) =>
        Assert.Equal(value, new JsonNumber(token).AsSafeInteger());
}
