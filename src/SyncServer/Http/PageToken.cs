using System.Buffers.Text;
using System.Text;

namespace SyncServer.Http;

/// <summary>The cursor of a list: the key after which the next page begins. It grants nothing, so it is not authenticated.</summary>
internal static class PageToken
{
    public static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    /// <summary>Null where the text is no cursor of any list.</summary>
    public static string? Decode(string token)
    {
        var bytes = new byte[Base64Url.GetMaxDecodedLength(token.Length)];
        return Base64Url.TryDecodeFromChars(token, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : null;
    }
}
