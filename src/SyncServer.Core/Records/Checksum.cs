using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Records;

/// <summary>
/// How many live records there are, and the sum of their digests modulo 2^64 (protocol 5). Order does not matter and a record
/// can be taken out again, so it is kept up to date by differences; a client computes the same over its local store.
/// </summary>
public readonly record struct Checksum(long Count, ulong Sum)
{
    /// <summary>Characters of every <c>entity/id:rev</c>, which are all ASCII: the longest names and a 64-bit number.</summary>
    private const int IdentityLength = Limits.EntityLength + Limits.RecordIdLength + 22;

    /// <summary>Of one live record.</summary>
    public static Checksum Of(RecordKey key, long rev) => new(1, DigestOf(key, rev));

    /// <summary>Of one record, which counts only while it is live.</summary>
    public static Checksum Of(SyncRecord? record) => record is { Deleted: false } ? Of(record.Key, record.Rev) : default;

    /// <summary>The first 8 bytes, big-endian, of SHA-256 over <c>entity/id:rev</c>.</summary>
    public static ulong DigestOf(RecordKey key, long rev)
    {
        Span<byte> identity = stackalloc byte[IdentityLength];
        Utf8.TryWrite(identity, CultureInfo.InvariantCulture, $"{key.Entity}/{key.Id}:{rev}", out var length);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(identity[..length], hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    /// <summary>The bucket of an id: the first byte of its SHA-256.</summary>
    public static byte BucketOf(string id)
    {
        Span<byte> utf8 = stackalloc byte[Limits.RecordIdLength];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(id, utf8)], hash);
        return hash[0];
    }

    /// <summary>Writes <c>count</c> and <c>sum</c> into the open object.</summary>
    public void WriteMembers(Utf8JsonWriter writer)
    {
        writer.WriteNumber("count", Count);
        writer.WriteString("sum", Sum.ToString("x16", CultureInfo.InvariantCulture));
    }

    /// <summary>Of both sets, which share no record.</summary>
    public static Checksum operator +(Checksum left, Checksum right) => unchecked(new(left.Count + right.Count, left.Sum + right.Sum));

    /// <summary>Of the first set without the records of the second.</summary>
    public static Checksum operator -(Checksum left, Checksum right) => unchecked(new(left.Count - right.Count, left.Sum - right.Sum));
}
