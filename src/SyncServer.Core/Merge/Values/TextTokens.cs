using System.Buffers;
using System.Globalization;
using System.Text;

namespace SyncServer.Core.Merge.Values;

/// <summary>The pieces of a text that a merge compares. Joined again they are the text.</summary>
internal static class TextTokens
{
    /// <summary>Lines with their ends, LF or CRLF; the last may have none.</summary>
    public static string[] Lines(string text)
    {
        var lines = new List<string>();
        for (var start = 0; start < text.Length; start += lines[^1].Length)
        {
            var end = text.IndexOf('\n', start);
            lines.Add(end < 0 ? text[start..] : text[start..(end + 1)]);
        }

        return [.. lines];
    }

    /// <summary>The end of the first line, null where there is none.</summary>
    public static string? LineEnd(string text) => text.IndexOf('\n', StringComparison.Ordinal) switch
    {
        < 0 => null,
        var end => end > 0 && text[end - 1] == '\r' ? "\r\n" : "\n",
    };

    /// <summary>
    /// Runs of letters and digits with their marks, runs of white space, line ends, and everything else one by one as a
    /// reader sees it: an emoji of several code points is one token (UAX #29).
    /// </summary>
    public static string[] Words(string line)
    {
        var words = new List<string>();
        for (var start = 0; start < line.Length; start += words[^1].Length)
        {
            words.Add(line.Substring(start, LengthAt(line, start)));
        }

        return [.. words];
    }

    private static int LengthAt(string line, int start)
    {
        var word = RunLength(line, start, IsWord);
        var space = word == 0 ? RunLength(line, start, IsSpace) : 0;
        return Math.Max(word, space) is > 0 and var run ? run : SymbolLength(line, start);
    }

    /// <summary>Between two ASCII characters only the one in CRLF is no boundary; asking Unicode is ten times as slow.</summary>
    private static int SymbolLength(string line, int start) =>
        line[start] != '\r' && char.IsAscii(line[start]) && (start + 1 == line.Length || char.IsAscii(line[start + 1]))
            ? 1
            : StringInfo.GetNextTextElementLength(line, start);

    private static int RunLength(string line, int start, Func<Rune, bool> belongs)
    {
        var rest = line.AsSpan(start);
        while (Rune.DecodeFromUtf16(rest, out var rune, out var length) == OperationStatus.Done && belongs(rune))
        {
            rest = rest[length..];
        }

        return line.Length - start - rest.Length;
    }

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    // A line end is a token of its own; as a text element CRLF is one.
    private static bool IsSpace(Rune rune) => Rune.IsWhiteSpace(rune) && rune.Value is not ('\r' or '\n');
}
