using System.Buffers.Binary;

namespace SyncServer.Pull;

/// <summary>
/// The elements of an array as PostgreSQL sends it in its binary form (<c>array_send</c>), one behind the other and each as the bytes that it
/// is. A text and a <c>json</c> are their UTF-8, a number and a point in time are eight bytes.
/// </summary>
/// <param name="sent">The number of dimensions, whether there may be nulls, the elements' type, the elements in the one dimension and its
/// first index, in four bytes each; then for each element its length, which is -1 for null, and its bytes.</param>
internal ref struct WireArray(ReadOnlySpan<byte> sent)
{
    private const int HeaderBytes = 20;

    private ReadOnlySpan<byte> _rest = BinaryPrimitives.ReadInt32BigEndian(sent) == 1
        ? sent[HeaderBytes..]
        : throw new InvalidOperationException("An array of a page has other than one dimension.");

    /// <summary>Bytes of an array of so many <c>bigint</c>, at most.</summary>
    public static int Bytes(int numbers) => HeaderBytes + (numbers * (sizeof(int) + sizeof(long)));

    /// <summary>The next element, where it is not null.</summary>
    public bool TryNext(out ReadOnlySpan<byte> element)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(_rest);
        var isThere = length >= 0;
        element = isThere ? _rest.Slice(sizeof(int), length) : default;
        _rest = _rest[(sizeof(int) + element.Length)..];
        return isThere;
    }

    /// <summary>The next element, which is never null.</summary>
    public ReadOnlySpan<byte> Next() => TryNext(out var element) ? element : throw new InvalidOperationException("A null on a page, where none can be.");

    /// <summary>The next element, a <c>bigint</c>.</summary>
    public long NextNumber() => BinaryPrimitives.ReadInt64BigEndian(Next());

    /// <summary>The next element, a <c>bigint</c> or null.</summary>
    public long? NextNumberOrNull() => TryNext(out var element) ? BinaryPrimitives.ReadInt64BigEndian(element) : null;

    /// <summary>The next element, a <c>timestamptz</c>: microseconds since the year 2000.</summary>
    public DateTime NextTime() => new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(NextNumber() * TimeSpan.TicksPerMicrosecond);
}
