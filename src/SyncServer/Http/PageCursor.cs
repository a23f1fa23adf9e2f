using System.Buffers.Text;
using System.Text;
using SyncServer.Core;
using SyncServer.Core.Ops;

namespace SyncServer.Http;

/// <summary>
/// The cursor of a list that is sorted by a key, such as an id: base64url of the last key of the page before. It is no
/// secret and grants nothing, so it is not authenticated; the right to read is checked for every page.
/// </summary>
internal static class PageCursor
{
    /// <summary>
    /// Bytes of the longest key of any list: a principal, of characters that take at most three bytes each, behind an opId
    /// and two numbers.
    /// </summary>
    private const int KeyBytesMax = (3 * Limits.PrincipalLength) + Limits.KeyLength + 64;

    public static string Encode(string lastKey) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(lastKey));

    /// <summary>
    /// The key after which the page begins; empty, which is before every key, where there is no cursor. A key of this
    /// list is what <paramref name="isKey"/> says.
    /// </summary>
    public static Rejection? Read(IQueryCollection query, Func<string, bool> isKey, out string after)
    {
        after = "";
        if (!query.TryGetValue("cursor", out var values))
        {
            return null;
        }

        after = values.Count == 1 ? Decode(values[0] ?? "") : "";
        return after.Length > 0 && isKey(after) ? null : new Rejection(ErrorCode.InvalidCursor, "The cursor was not issued for this list.");
    }

    private static string Decode(string text)
    {
        Span<byte> bytes = stackalloc byte[KeyBytesMax];
        if (text.Length > Base64Url.GetEncodedLength(bytes.Length) || !Base64Url.IsValid(text)
            || !Base64Url.TryDecodeFromChars(text, bytes, out var length))
        {
            return "";
        }

        // Only the one spelling that was issued counts, as for every other cursor.
        var key = Encoding.UTF8.GetString(bytes[..length]);
        return Encode(key) == text ? key : "";
    }
}

/// <summary>What a page of a list by id is asked for.</summary>
internal static class PageAsk
{
    /// <summary>The id after which the page begins and the number of items on it.</summary>
    public static Rejection? Read(IQueryCollection query, Limits limits, out string after, out int limit)
    {
        var noLimit = Paging.Limit(query, limits.PullPageDefault, limits.PullPageMax, out limit);
        return PageCursor.Read(query, RecordKey.IsId, out after) ?? noLimit;
    }
}
