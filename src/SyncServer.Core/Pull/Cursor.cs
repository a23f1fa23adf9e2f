using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SyncServer.Core.Pull;

/// <summary>
/// A position in a space, opaque on the wire: base64url of a fixed layout and a MAC (HMAC-SHA256, 16 bytes), so that
/// whatever decodes was issued by this database.
/// </summary>
/// <param name="SpaceId">The space.</param>
/// <param name="Epoch">Eight bytes of a digest of the epoch.</param>
/// <param name="Position">The seq up to which the device has everything.</param>
/// <param name="Tag">The random tag of the change at <paramref name="Position"/>; 0 at position 0.</param>
/// <param name="Floor">During a first pull the head at its start, below which tombstones are left out; 0 otherwise.</param>
/// <param name="Filter">Eight bytes of a digest of the sorted entity filter; 0 without one.</param>
public readonly record struct Cursor(Guid SpaceId, long Epoch, long Position, long Tag, long Floor, long Filter)
{
    private const byte Version = 1;
    private const int PayloadLength = 1 + 16 + (5 * sizeof(long));

    // 128 bits: guessing one takes longer than any space lives.
    private const int MacLength = 16;

    /// <summary>Characters of every cursor.</summary>
    public static readonly int EncodedLength = Base64Url.GetEncodedLength(PayloadLength + MacLength);

    /// <summary>The digest that stands for an epoch.</summary>
    public static long DigestOf(string text) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The digest of an entity filter, whatever its order; 0 where there is none.</summary>
    public static long DigestOf(IReadOnlyCollection<string> entities) =>
        entities.Count == 0 ? 0 : DigestOf(string.Join('\n', entities.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)));

    /// <summary>The token.</summary>
    public string Encode(ReadOnlySpan<byte> key)
    {
        Span<byte> token = stackalloc byte[PayloadLength + MacLength];
        token[0] = Version;
        SpaceId.TryWriteBytes(token[1..], bigEndian: true, out _);
        var at = 17;
        foreach (var number in (ReadOnlySpan<long>)[Epoch, Position, Tag, Floor, Filter])
        {
            BinaryPrimitives.WriteInt64BigEndian(token[at..], number);
            at += sizeof(long);
        }

        Mac(key, token[..PayloadLength], token[PayloadLength..]);
        return Base64Url.EncodeToString(token);
    }

    /// <summary>The cursor of a token that this database issued; null for anything else.</summary>
    public static Cursor? Decode(string text, ReadOnlySpan<byte> key)
    {
        Span<byte> token = stackalloc byte[PayloadLength + MacLength];
        if (text.Length != EncodedLength
            || Base64Url.DecodeFromChars(text, token, out _, out var length) != OperationStatus.Done
            || length != token.Length)
        {
            return null;
        }

        Span<byte> mac = stackalloc byte[MacLength];
        Mac(key, token[..PayloadLength], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, token[PayloadLength..]) || token[0] != Version)
        {
            return null;
        }

        return new Cursor(
            new Guid(token[1..17], bigEndian: true),
            BinaryPrimitives.ReadInt64BigEndian(token[17..]),
            BinaryPrimitives.ReadInt64BigEndian(token[25..]),
            BinaryPrimitives.ReadInt64BigEndian(token[33..]),
            BinaryPrimitives.ReadInt64BigEndian(token[41..]),
            BinaryPrimitives.ReadInt64BigEndian(token[49..]));
    }

    private static void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload, Span<byte> mac)
    {
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, payload, whole);
        whole[..MacLength].CopyTo(mac);
    }
}
