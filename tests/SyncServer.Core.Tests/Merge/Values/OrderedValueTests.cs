using SyncServer.Core.Json;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Tests.Merge.Values;

public class OrderedValueTests
{
    [Theory]
    [InlineData("2", "10")]
    [InlineData("-1", "1e-9")]
    [InlineData("9007199254740992", "9007199254740993")]
    [InlineData("\"10\"", "\"2\"")]
    [InlineData("\"2026-09-30T23:59:59Z\"", "\"2026-11-20T10:15:00Z\"")]
    [InlineData("\"\"", "\"a\"")]
    [InlineData("\"Z\"", "\"a\"")]
    public void Numbers_are_ordered_by_value_and_strings_ordinally(string smaller, string larger)
    {
        var (small, large) = (Worlds.ParsedValue(smaller), Worlds.ParsedValue(larger));
        Assert.Same(large, OrderedValue.Larger(small, large));
        Assert.Same(large, OrderedValue.Larger(large, small));
        Assert.Same(small, OrderedValue.Smaller(small, large));
        Assert.Same(small, OrderedValue.Smaller(large, small));
    }

    [Fact]
    public void Of_equal_values_the_first_stays_as_written()
    {
        var (first, second) = (new JsonNumber("1.0"), new JsonNumber("1"));
        Assert.Same(first, OrderedValue.Larger(first, second));
        Assert.Same(first, OrderedValue.Smaller(first, second));
    }

    [Theory]
    [InlineData("1", "\"1\"")]
    [InlineData("true", "false")]
    [InlineData("null", "null")]
    [InlineData("[1]", "[2]")]
    [InlineData("{}", "{}")]
    public void Other_types_and_two_types_have_no_order(string left, string right)
    {
        Assert.Null(OrderedValue.Larger(Worlds.ParsedValue(left), Worlds.ParsedValue(right)));
        Assert.Null(OrderedValue.Smaller(Worlds.ParsedValue(right), Worlds.ParsedValue(left)));
    }
}
