using System.Globalization;
using System.Numerics;
using SyncServer.Core.Json;

namespace SyncServer.Core.Merge.Values;

/// <summary>Decimal arithmetic on number tokens that never rounds: 0.1 and 0.2 are 0.3. A result that no token can hold is null.</summary>
public static class ExactNumber
{
    // Two tokens whose last digits lie further apart have a sum with more significant digits than a token has characters:
    // it begins with the digits of the one, of which there are at most NumberLength, and ends with those of the other.
    private const int WidestGap = 2 * Limits.NumberLength;

    /// <summary>
    /// The sum, in plain decimal notation where it fits. Null where the token would be longer than
    /// <see cref="Limits.NumberLength"/> or not finite as a double.
    /// </summary>
    public static JsonNumber? Add(JsonNumber left, JsonNumber right) => Sum(left.Normal(), right.Normal());

    /// <summary>The difference, with the bounds of <see cref="Add"/>.</summary>
    public static JsonNumber? Subtract(JsonNumber left, JsonNumber right)
    {
        var (negative, digits, exponent) = right.Normal();
        return Sum(left.Normal(), (!negative, digits, exponent));
    }

    /// <summary>Negative, zero or positive as <paramref name="left"/> is smaller than, equal to or larger than <paramref name="right"/>.</summary>
    public static int Compare(JsonNumber left, JsonNumber right)
    {
        var (a, b) = (left.Normal(), right.Normal());
        var (aSign, bSign) = (Sign(a), Sign(b));
        return aSign != bSign ? aSign.CompareTo(bSign) : aSign * CompareMagnitudes(a, b);
    }

    private static int Sign((bool Negative, string Digits, BigInteger Exponent) number) =>
        number.Digits.Length == 0 ? 0 : number.Negative ? -1 : 1;

    /// <summary>Both have the same sign and no zeros at either end, so the place of the first digit decides, then the digits.</summary>
    private static int CompareMagnitudes((bool, string Digits, BigInteger Exponent) a, (bool, string Digits, BigInteger Exponent) b)
    {
        var places = (a.Digits.Length + a.Exponent).CompareTo(b.Digits.Length + b.Exponent);
        return places != 0 ? places : Math.Sign(string.CompareOrdinal(a.Digits, b.Digits));
    }

    private static JsonNumber? Sum(
        (bool Negative, string Digits, BigInteger Exponent) a, (bool Negative, string Digits, BigInteger Exponent) b)
    {
        if (a.Digits.Length == 0 || b.Digits.Length == 0)
        {
            var (negative, digits, exponent) = a.Digits.Length == 0 ? b : a;
            return Token(negative, digits, exponent);
        }

        var last = BigInteger.Min(a.Exponent, b.Exponent);
        if (BigInteger.Abs(a.Exponent - b.Exponent) > WidestGap)
        {
            return null;
        }

        var sum = Scaled(a, last) + Scaled(b, last);
        var text = BigInteger.Abs(sum).ToString(CultureInfo.InvariantCulture);
        var trimmed = text.TrimEnd('0');
        return Token(sum.Sign < 0, trimmed, last + text.Length - trimmed.Length);
    }

    private static BigInteger Scaled((bool Negative, string Digits, BigInteger Exponent) number, BigInteger last)
    {
        var mantissa = BigInteger.Parse(number.Digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return (number.Negative ? -mantissa : mantissa) * BigInteger.Pow(10, (int)(number.Exponent - last));
    }

    private static JsonNumber? Token(bool negative, string digits, BigInteger exponent)
    {
        if (digits.Length == 0)
        {
            return new JsonNumber("0");
        }

        var sign = negative ? "-" : "";
        var token = sign + (Plain(digits, exponent, Limits.NumberLength - sign.Length) ?? $"{digits}e{exponent}");
        return token.Length <= Limits.NumberLength && double.IsFinite(double.Parse(token, NumberStyles.Float, CultureInfo.InvariantCulture))
            ? new JsonNumber(token)
            : null;
    }

    /// <summary>Without an exponent, or null where that takes more than <paramref name="room"/> characters.</summary>
    private static string? Plain(string digits, BigInteger exponent, int room)
    {
        if (BigInteger.Abs(exponent) > room)
        {
            return null;
        }

        var whole = digits.Length + (int)exponent;
        var plain = exponent >= 0 ? digits.PadRight(whole, '0')
            : whole > 0 ? $"{digits[..whole]}.{digits[whole..]}"
            : "0." + digits.PadLeft(-(int)exponent, '0');
        return plain.Length <= room ? plain : null;
    }
}
