using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>The strong ETag of a record is its revision: <c>"rev-42"</c>, quotes included.</summary>
internal static class RecordETag
{
    private const string Before = "\"rev-";

    public static string Format(long rev) => $"{Before}{rev}\"";

    /// <summary>Only what <see cref="Format"/> makes is a revision; any other tag is well-formed and matches no record.</summary>
    public static bool TryParse(string etag, out long rev)
    {
        rev = 0;
        return etag.StartsWith(Before, StringComparison.Ordinal)
            && etag.EndsWith('"')
            && WholeNumber.TryParse(etag.AsSpan(Before.Length, Math.Max(0, etag.Length - Before.Length - 1)), out rev)
            && rev is > 0 and <= Limits.MaxSafeInteger
            && Format(rev) == etag;
    }
}
