namespace SyncServer.Http;

/// <summary>
/// A strong ETag names bytes, and each coding of an answer has others (RFC 9110, 8.8.1): its name stands within the quotes,
/// <c>"…-gzip"</c>. Tags that are sent back in <c>If-Match</c> never have it, because no answer that they come from is compressed.
/// </summary>
internal static class CodedETag
{
    // Those that Compression registers; no tag of an answer that is not coded ends like this.
    private static readonly string[] Codings = ["br", "gzip"];

    /// <summary>The tag of the same answer in a coding.</summary>
    public static string Of(string etag, string coding) => $"{etag[..^1]}-{coding}\"";

    /// <summary>Whether <paramref name="tag"/> names the answer of <paramref name="etag"/>, in whatever coding. Both are opaque tags in quotes.</summary>
    public static bool Names(string tag, string etag) => tag == etag || Codings.Any(coding => tag == Of(etag, coding));
}
