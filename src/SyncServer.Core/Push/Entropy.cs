using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SyncServer.Core.Push;

/// <summary>
/// The random values of one push, drawn from a seed that the shell gives, so that a plan is a function of its
/// arguments. None of them guards anything: conflict ids are found only by members, tags stand inside authenticated cursors.
/// </summary>
public sealed class Entropy(ReadOnlyMemory<byte> seed)
{
    private int _drawn;

    /// <summary>64 bits.</summary>
    public long NextTag() => BinaryPrimitives.ReadInt64BigEndian(Next());

    /// <summary>A UUID version 7 (RFC 9562, 5.7), so that ids sort by time.</summary>
    public string NextId(DateTimeOffset now)
    {
        var bytes = Next()[..16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, (now.ToUnixTimeMilliseconds() << 16) | (uint)(bytes[6] << 8) | bytes[7]);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true).ToString();
    }

    private Span<byte> Next()
    {
        var input = new byte[seed.Length + sizeof(int)];
        seed.Span.CopyTo(input);
        BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(seed.Length), _drawn++);
        return SHA256.HashData(input);
    }
}
