using System.Buffers.Binary;

namespace SyncServer.Core.Push;

/// <summary>
/// The random values of one plan, drawn from a seed that the shell gives, so that a plan is a function of its
/// arguments. None of them guards anything: conflict ids are found only by members, tags stand inside authenticated cursors. So
/// they have to differ and may be predicted: SplitMix64 (Steele, Lea and Flood, 2014). A tag gives away those of all plans whose
/// seeds were drawn together, so nothing secret may ever be drawn here.
/// </summary>
/// <param name="seed">Random; each plan has its own.</param>
public sealed class Entropy(long seed)
{
    private ulong _state = (ulong)seed;

    /// <summary>64 bits.</summary>
    public long NextTag()
    {
        _state += 0x9E3779B97F4A7C15;
        var mixed = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (long)(mixed ^ (mixed >> 31));
    }

    /// <summary>A UUID version 7 (RFC 9562, 5.7), so that ids sort by time; 64 of its random bits are.</summary>
    public string NextId(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, (now.ToUnixTimeMilliseconds() << 16) | (NextTag() & 0xFFFF));
        BinaryPrimitives.WriteInt64BigEndian(bytes[sizeof(long)..], NextTag());
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
