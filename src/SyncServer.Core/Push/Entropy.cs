using System.Buffers.Binary;
using System.Security.Cryptography;

namespace SyncServer.Core.Push;

/// <summary>
/// The random values of one push, drawn from a seed that the shell gives, so that a plan is a function of its
/// arguments. None of them guards anything: conflict ids are found only by members, tags stand inside authenticated cursors.
/// </summary>
public sealed class Entropy(ReadOnlyMemory<byte> seed)
{
    private readonly byte[] _block = new byte[SHA256.HashSizeInBytes];
    private int _blocks;
    private int _used = SHA256.HashSizeInBytes;

    /// <summary>64 bits.</summary>
    public long NextTag() => BinaryPrimitives.ReadInt64BigEndian(Next(sizeof(long)));

    /// <summary>A UUID version 7 (RFC 9562, 5.7), so that ids sort by time.</summary>
    public string NextId(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        Next(bytes.Length).CopyTo(bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes, (now.ToUnixTimeMilliseconds() << 16) | (uint)(bytes[6] << 8) | bytes[7]);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true).ToString();
    }

    // Bytes are drawn in blocks, each the hash of the seed and its number; what is left of a block too small for a draw is skipped.
    private ReadOnlySpan<byte> Next(int count)
    {
        if (_used + count > _block.Length)
        {
            Span<byte> input = stackalloc byte[seed.Length + sizeof(int)];
            seed.Span.CopyTo(input);
            BinaryPrimitives.WriteInt32BigEndian(input[seed.Length..], _blocks++);
            SHA256.HashData(input, _block);
            _used = 0;
        }

        _used += count;
        return _block.AsSpan(_used - count, count);
    }
}
