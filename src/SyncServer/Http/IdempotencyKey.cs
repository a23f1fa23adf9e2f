using Microsoft.Extensions.Primitives;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>
/// The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header-07): a structured-field string (RFC 9651,
/// 3.3.3), or leniently the bare token.
/// </summary>
internal static class IdempotencyKey
{
    public const string HeaderName = "Idempotency-Key";

    /// <summary>As <see cref="Read"/>, for routes where nothing else can name the key: a missing one is refused.</summary>
    public static Rejection? Require(IHeaderDictionary headers, out string key)
    {
        var rejection = Read(headers, out var found);
        key = found ?? "";
        return rejection is null && found is null
            ? new Rejection(ErrorCode.IdempotencyKeyMissing, $"Send an {HeaderName} header, one per intent.")
            : rejection;
    }

    /// <summary>The key without quotes and escapes; null where the header is absent.</summary>
    public static Rejection? Read(IHeaderDictionary headers, out string? key)
    {
        key = null;
        if (!headers.TryGetValue(HeaderName, out var values))
        {
            return null;
        }

        var parsed = Parse(values);
        if (parsed is not { Length: > 0 and <= Limits.KeyLength })
        {
            return new Rejection(
                ErrorCode.IdempotencyKeyInvalid, $"{HeaderName} is one string of 1 to {Limits.KeyLength} printable ASCII characters.");
        }

        key = parsed;
        return null;
    }

    private static string? Parse(StringValues values)
    {
        if (values.Count != 1)
        {
            return null;
        }

        var text = (values[0] ?? "").AsSpan().Trim(' ');
        if (text.StartsWith('"'))
        {
            return StructuredField.TryReadString(ref text, out var quoted) && StructuredField.AreParameters(text) ? quoted : null;
        }

        return text.ContainsAnyExceptInRange('!', '~') || text.ContainsAny(',', '"') ? null : text.ToString();
    }
}
