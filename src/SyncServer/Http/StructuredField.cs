using System.Text;

namespace SyncServer.Http;

/// <summary>The parts of structured fields (RFC 9651) that the server reads.</summary>
internal static class StructuredField
{
    /// <summary>Takes a string with its quotes from the front of <paramref name="text"/> (4.2.5) and gives what it stands for.</summary>
    public static bool TryReadString(ref ReadOnlySpan<char> text, out string value)
    {
        value = "";
        if (text.StartsWith('"') && text[1..].IndexOfAny('"', '\\') is >= 0 and var end && text[end + 1] == '"'
            && !text.Slice(1, end).ContainsAnyExceptInRange(' ', '~'))
        {
            // Without escapes it stands for itself.
            value = text.Slice(1, end).ToString();
            text = text[(end + 2)..];
            return true;
        }

        var unescaped = new StringBuilder();
        for (var i = 1; i < text.Length && text[0] == '"'; i++)
        {
            if (text[i] == '"')
            {
                value = unescaped.ToString();
                text = text[(i + 1)..];
                return true;
            }

            if (text[i] == '\\' && (++i == text.Length || text[i] is not ('"' or '\\')))
            {
                return false;
            }

            if (text[i] is < ' ' or > '~')
            {
                return false;
            }

            unescaped.Append(text[i]);
        }

        return false;
    }

    /// <summary>Whether the rest of an item is nothing but parameters (4.2.3.2); values are skipped, not typed.</summary>
    public static bool AreParameters(ReadOnlySpan<char> text)
    {
        while (text.Length > 0)
        {
            if (text[0] != ';')
            {
                return false;
            }

            text = text[1..].TrimStart(' ');
            var key = Span(text, IsKeyCharacter);
            if (key == 0 || char.IsAsciiDigit(text[0]) || text[0] is '-' or '_' or '.')
            {
                return false;
            }

            text = text[key..];
            if (text.StartsWith('=') && !TrySkipValue(ref text))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TrySkipValue(ref ReadOnlySpan<char> text)
    {
        text = text[1..];
        if (text.StartsWith('"'))
        {
            return TryReadString(ref text, out _);
        }

        var length = Span(text, c => c is > ' ' and <= '~' and not (',' or ';' or '"'));
        text = text[length..];
        return length > 0;
    }

    private static int Span(ReadOnlySpan<char> text, Func<char, bool> belongs)
    {
        var length = 0;
        while (length < text.Length && belongs(text[length]))
        {
            length++;
        }

        return length;
    }

    private static bool IsKeyCharacter(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-' or '.' or '*';
}
