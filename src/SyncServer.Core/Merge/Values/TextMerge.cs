using System.Text;

namespace SyncServer.Core.Merge.Values;

/// <summary>
/// Three-way merge of texts by lines, and by words within lines that were edited. It takes every edit of both sides as
/// it is, once where both made the same, and puts none where another was made.
/// </summary>
public static class TextMerge
{
    /// <summary>
    /// The merged text, or null where edits of the two sides overlap or touch without a common token between them, and
    /// where comparing would take too long (<see cref="TextDiff"/>). Absent is the empty text. Symmetric.
    /// </summary>
    public static string? Merge(string? @base, string theirs, string yours)
    {
        var before = @base ?? "";
        if (theirs == yours || theirs == before)
        {
            return yours;
        }

        if (yours == before)
        {
            return theirs;
        }

        if (before.Length == 0)
        {
            return null;
        }

        // With an end on every last line, a line written after it is an insertion and leaves that line alone.
        var end = LineEnd(before, theirs, yours);
        return TextDiff.Edits(before + end, theirs + end) is { } one && TextDiff.Edits(before + end, yours + end) is { } other
            ? Combined(before + end, one, other)?[..^end.Length]
            : null;
    }

    private static string LineEnd(string before, string theirs, string yours) =>
        TextTokens.LineEnd(before) ?? new[] { TextTokens.LineEnd(theirs), TextTokens.LineEnd(yours) }.Max(StringComparer.Ordinal) ?? "\n";

    /// <summary>The text with the edits of both sides; null where some of them meet and differ.</summary>
    private static string? Combined(string text, List<TextEdit> one, List<TextEdit> other)
    {
        var merged = new StringBuilder(text.Length);
        var (at, i, j) = (0, 0, 0);
        while (i < one.Count || j < other.Count)
        {
            var (firstOne, firstOther) = (i, j);
            var start = Math.Min(StartOf(one, i), StartOf(other, j));
            var end = start;
            while (StartOf(one, i) <= end || StartOf(other, j) <= end)
            {
                end = Math.Max(end, StartOf(one, i) <= end ? one[i++].End : other[j++].End);
            }

            var (ours, theirs) = (one[firstOne..i], other[firstOther..j]);
            var result = Rendered(text, (start, end), ours.Count > 0 ? ours : theirs);
            if (ours.Count > 0 && theirs.Count > 0 && result != Rendered(text, (start, end), theirs))
            {
                return null;
            }

            merged.Append(text, at, start - at).Append(result);
            at = end;
        }

        return merged.Append(text, at, text.Length - at).ToString();
    }

    /// <summary>A part of the text as one side has it, given that side's edits there.</summary>
    private static string Rendered(string text, (int Start, int End) part, List<TextEdit> edits)
    {
        var rendered = new StringBuilder();
        var at = part.Start;
        foreach (var edit in edits)
        {
            rendered.Append(text, at, edit.Start - at).Append(edit.Text);
            at = edit.End;
        }

        return rendered.Append(text, at, part.End - at).ToString();
    }

    private static int StartOf(List<TextEdit> edits, int index) => index < edits.Count ? edits[index].Start : int.MaxValue;
}
