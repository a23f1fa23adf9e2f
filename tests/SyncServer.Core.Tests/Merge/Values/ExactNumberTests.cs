using System.Globalization;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Tests.Merge.Values;

public class ExactNumberTests
{
    /// <summary>Tokens of every notation, small enough that decimal adds them exactly.</summary>
    private static readonly Gen<string> Tokens =
        from sign in Gen.Elements("", "-")
        from whole in Gen.Elements("0", "1", "5", "9", "10", "99", "1200", "123456789")
        from fraction in Gen.Elements("", ".0", ".1", ".2", ".50", ".001", ".999999")
        from exponent in Gen.Elements("", "e0", "E+2", "e-3", "e05", "e-1")
        select sign + whole + fraction + exponent;

    [Theory]
    [InlineData("1", "2", "3")]
    [InlineData("0.1", "0.2", "0.3")]
    [InlineData("1e3", "1", "1001")]
    [InlineData("1e3", "0", "1000")]
    [InlineData("-0", "-0", "0")]
    [InlineData("1.5", "-1.50", "0")]
    [InlineData("9007199254740992", "1", "9007199254740993")]
    [InlineData("99999999999999999999999999999999", "-1", "99999999999999999999999999999998")]
    [InlineData("1e31", "0", "10000000000000000000000000000000")]
    [InlineData("1e32", "0", "1e32")]
    [InlineData("-1e31", "0", "-1e31")]
    [InlineData("1e-30", "0", "0.000000000000000000000000000001")]
    [InlineData("1e-31", "0", "1e-31")]
    [InlineData("12e300", "1e299", "121e299")]
    [InlineData("1e-99999999999999999999", "0", "1e-99999999999999999999")]
    [InlineData("0e99999999999999999999", "7", "7")]
    public void Sums_are_exact_and_plain_where_they_fit(string left, string right, string sum)
    {
        Assert.Equal(sum, Sum(left, right));
        Assert.Equal(sum, Sum(right, left));
    }

    [Theory]
    [InlineData("99999999999999999999999999999999", "0.1")]
    [InlineData("1e32", "1")]
    [InlineData("1e300", "1")]
    [InlineData("1", "1e-99999999999999999999")]
    [InlineData("1e308", "9e307")]
    [InlineData("-1e308", "-1e308")]
    public void A_sum_that_no_token_can_hold_is_refused(string left, string right)
    {
        Assert.Null(Sum(left, right));
        Assert.Null(Sum(right, left));
    }

    [Fact]
    public void Carries_shorten_a_long_sum()
    {
        Assert.Equal("1e32", Sum("99999999999999999999999999999999", "1"));
        Assert.Equal("1", Sum("0.9999999999999999999999999999", "0.0000000000000000000000000001"));
    }

    [Fact]
    public void Sums_differences_and_order_are_those_of_decimal() =>
        Property.Holds(Tokens.Two(), pair =>
        {
            var ((left, right), (a, b)) = (pair, (Value(pair.Item1), Value(pair.Item2)));
            Assert.Equal(a + b, Value(Sum(left, right)!));
            Assert.Equal(a - b, Value(ExactNumber.Subtract(new JsonNumber(left), new JsonNumber(right))!.Token));
            Assert.Equal(a.CompareTo(b), ExactNumber.Compare(new JsonNumber(left), new JsonNumber(right)));
        }, worlds: 10_000);

    [Fact]
    public void Sums_of_long_integers_are_those_of_BigInteger() =>
        Property.Holds(Gen.Choose(-9, 9).ArrayOf(30).Two(), pair =>
        {
            var (a, b) = (Integer(pair.Item1), Integer(pair.Item2));
            Assert.Equal((a + b).ToString(CultureInfo.InvariantCulture), Sum($"{a}", $"{b}"));
        });

    [Fact]
    public void What_was_added_can_be_taken_away_again() =>
        Property.Holds(Tokens.Two(), pair =>
        {
            var (a, b) = (new JsonNumber(pair.Item1), new JsonNumber(pair.Item2));
            Assert.Equal(a, ExactNumber.Subtract(ExactNumber.Add(a, b)!, b));
        });

    [Theory]
    [InlineData("9007199254740993", "9007199254740992", 1)]
    [InlineData("-9007199254740993", "-9007199254740992", -1)]
    [InlineData("1e-400", "0", 1)]
    [InlineData("-1e-400", "0", -1)]
    [InlineData("1e-99999999999999999999", "1e-99999999999999999998", -1)]
    [InlineData("123e1", "1230.0", 0)]
    [InlineData("-1", "1e-9", -1)]
    [InlineData("1.2", "1.19999", 1)]
    [InlineData("0", "-0e5", 0)]
    public void Order_is_exact_also_where_doubles_are_not(string left, string right, int order)
    {
        Assert.Equal(order, ExactNumber.Compare(new JsonNumber(left), new JsonNumber(right)));
        Assert.Equal(-order, ExactNumber.Compare(new JsonNumber(right), new JsonNumber(left)));
    }

    private static string? Sum(string left, string right) => ExactNumber.Add(new JsonNumber(left), new JsonNumber(right))?.Token;

    private static decimal Value(string token) => decimal.Parse(token, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static BigInteger Integer(int[] digits) => digits.Aggregate(BigInteger.Zero, (number, digit) => (number * 10) + digit);
}
