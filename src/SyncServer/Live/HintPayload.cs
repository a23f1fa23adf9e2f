using System.Globalization;
using System.Text;

namespace SyncServer.Live;

/// <summary>
/// What servers say to each other: who speaks, then spaces and their heads, as in <c>0f…:5a…=42,7c…=7</c>, identifiers being
/// 32 hex digits.
/// </summary>
internal static class HintPayload
{
    /// <summary>Bytes of one payload. PostgreSQL takes fewer than 8000 (manual, NOTIFY).</summary>
    public const int Length = 7_900;

    private const int IdLength = 32;

    /// <summary>As few payloads as carry all of <paramref name="heads"/>.</summary>
    public static List<string> Write(Guid speaker, IEnumerable<KeyValuePair<Guid, long>> heads)
    {
        var payloads = new List<string>();
        var text = new StringBuilder();
        foreach (var (space, head) in heads)
        {
            var hint = string.Create(CultureInfo.InvariantCulture, $"{space:N}={head}");
            if (text.Length + 1 + hint.Length > Length)
            {
                payloads.Add(text.ToString());
                text.Clear();
            }

            _ = text.Length == 0 ? text.Append(CultureInfo.InvariantCulture, $"{speaker:N}:") : text.Append(',');
            text.Append(hint);
        }

        if (text.Length > 0)
        {
            payloads.Add(text.ToString());
        }

        return payloads;
    }

    /// <summary>The hints of others than <paramref name="listener"/>; whatever is malformed is no hint.</summary>
    public static List<KeyValuePair<Guid, long>> Read(ReadOnlySpan<char> payload, Guid listener)
    {
        var hints = new List<KeyValuePair<Guid, long>>();
        if (payload.Length <= IdLength || payload[IdLength] != ':'
            || !Guid.TryParseExact(payload[..IdLength], "N", out var speaker) || speaker == listener)
        {
            return hints;
        }

        payload = payload[(IdLength + 1)..];
        foreach (var range in payload.Split(','))
        {
            var hint = payload[range];
            if (hint.Length > IdLength && hint[IdLength] == '=' && Guid.TryParseExact(hint[..IdLength], "N", out var space)
                && long.TryParse(hint[(IdLength + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var head))
            {
                hints.Add(new(space, head));
            }
        }

        return hints;
    }
}
