using System.Numerics;

namespace SyncServer.Benchmarks.Load;

/// <summary>
/// Microseconds in buckets that are at most 1/64 wide of their value, as HdrHistogram has them: adding is two shifts and an
/// increment, and the memory is constant.
/// </summary>
internal sealed class Histogram
{
    /// <summary>Buckets per power of two: a quantile is off by 1.6 % at most.</summary>
    private const int Linear = 64;

    /// <summary>Powers of two above the first linear part: up to an hour.</summary>
    private const int Powers = 27;

    private readonly long[] _buckets = new long[Linear * (Powers + 1)];

    public long Count { get; private set; }

    public void Add(long microseconds)
    {
        _buckets[IndexOf(Math.Max(microseconds, 0))]++;
        Count++;
    }

    /// <summary>The value below which the share of all lies, as the middle of its bucket; 0 where there is none.</summary>
    public double At(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        var seen = 0L;
        for (var i = 0; i < _buckets.Length; i++)
        {
            seen += _buckets[i];
            if (seen >= rank && seen > 0)
            {
                return i < Linear ? i : (LowestOf(i) + LowestOf(i + 1)) / 2.0;
            }
        }

        return 0;
    }

    private static int IndexOf(long value)
    {
        if (value < Linear)
        {
            return (int)value;
        }

        var power = BitOperations.Log2((ulong)value) - BitOperations.Log2(Linear);
        var index = (Linear * power) + (int)(value >> power);
        return Math.Min(index, (Linear * (Powers + 1)) - 1);
    }

    // Within power p the values (Linear..2*Linear) << p stand at Linear * p + (Linear..2*Linear).
    private static long LowestOf(int index)
    {
        var power = (index / Linear) - 1;
        return power < 0 ? index : (long)(Linear + (index % Linear)) << power;
    }
}
