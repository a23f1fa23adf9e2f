using DiffPlex.Model;

namespace SyncServer.Core.Merge.Values;

/// <summary>The characters from <paramref name="Start"/> to before <paramref name="End"/> of a text become <paramref name="Text"/>.</summary>
internal readonly record struct TextEdit(int Start, int End, string Text);

/// <summary>What one side did to a text, as edits in order that do not overlap.</summary>
internal static class TextDiff
{
    /// <summary>
    /// The edits that make <paramref name="to"/> of <paramref name="from"/>, in order; null where finding them would take
    /// too long. Lines that were replaced by as many others are compared by words, each with the line in its place.
    /// Other replaced lines are one edit: which of the new lines an old one became is a guess, and a wrong one would put
    /// the other side's words into a line that they were not written in.
    /// </summary>
    public static List<TextEdit>? Edits(string from, string to)
    {
        var (old, @new) = (TextTokens.Lines(from), TextTokens.Lines(to));
        var effort = TokenDiff.Effort;
        if (TokenDiff.Blocks(old, @new, ref effort) is not { } blocks)
        {
            return null;
        }

        var starts = Starts(old);
        var edits = new List<TextEdit>();
        foreach (var block in blocks)
        {
            var paired = 0;
            while (block.DeleteCountA == block.InsertCountB && paired < block.DeleteCountA && effort > 0)
            {
                var (line, place) = (block.DeleteStartA + paired, block.InsertStartB + paired);
                AddWords(edits, starts[line], (old[line], @new[place]), ref effort);
                paired++;
            }

            if (paired == 0 || paired < block.DeleteCountA)
            {
                edits.Add(Edit(Rest(block, paired), starts, @new));
            }
        }

        return edits;
    }

    /// <summary>Adds the edits within a line that begins at <paramref name="at"/>; where that takes more effort than is left, the line is one edit.</summary>
    private static void AddWords(List<TextEdit> edits, int at, (string Old, string New) line, ref long effort)
    {
        var (old, @new) = (TextTokens.Words(line.Old), TextTokens.Words(line.New));
        var starts = Starts(old, at);
        var blocks = TokenDiff.Blocks(old, @new, ref effort) ?? [new DiffBlock(0, old.Length, 0, @new.Length)];
        edits.AddRange(blocks.Select(block => Edit(block, starts, @new)));
    }

    /// <summary>The block without its first lines on both sides.</summary>
    private static DiffBlock Rest(DiffBlock block, int lines) => new(
        block.DeleteStartA + lines, block.DeleteCountA - lines, block.InsertStartB + lines, block.InsertCountB - lines);

    private static TextEdit Edit(DiffBlock block, int[] starts, string[] @new) => new(
        starts[block.DeleteStartA],
        starts[block.DeleteStartA + block.DeleteCountA],
        string.Concat(@new.AsSpan(block.InsertStartB, block.InsertCountB)));

    /// <summary>Where each token starts, and last where the text ends.</summary>
    private static int[] Starts(string[] tokens, int at = 0)
    {
        var starts = new int[tokens.Length + 1];
        starts[0] = at;
        for (var i = 0; i < tokens.Length; i++)
        {
            starts[i + 1] = starts[i] + tokens[i].Length;
        }

        return starts;
    }
}
