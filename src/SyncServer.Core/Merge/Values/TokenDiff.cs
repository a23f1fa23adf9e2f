using DiffPlex;
using DiffPlex.Model;

namespace SyncServer.Core.Merge.Values;

/// <summary>The differences of two lists of tokens, with as few changed tokens as there can be, in bounded time.</summary>
internal static class TokenDiff
{
    /// <summary>
    /// What one side of a merge may spend, in squared tokens, which is how differencing grows. With it the worst texts of
    /// 256 KiB take about a tenth of a second to merge, most of it for cutting them into tokens: a batch can hold many.
    /// Only tokens count that lie between the first and the last difference and occur on both sides.
    /// </summary>
    public const long Effort = 2_000L * 2_000;

    // One comparison however short, in the same measure: texts may have a hundred thousand lines to compare by words.
    private const long Setup = 1_000;

    /// <summary>The differences in order, with a common token between any two; null where they take more effort than is left, and then none is.</summary>
    public static List<DiffBlock>? Blocks(string[] old, string[] @new, ref long effort)
    {
        var head = old.AsSpan().CommonPrefixLength(@new);
        var tail = 0;
        while (tail < Math.Min(old.Length, @new.Length) - head && old[^(tail + 1)] == @new[^(tail + 1)])
        {
            tail++;
        }

        // A token that the other side lacks is a difference in any case.
        var a = Shared(old, new Range(head, old.Length - tail), @new[head..^tail]);
        var b = Shared(@new, new Range(head, @new.Length - tail), old[head..^tail]);
        var square = (long)(a.Count + b.Count) * (a.Count + b.Count);
        if (square + Setup > effort)
        {
            effort = 0;
            return null;
        }

        effort -= square + Setup;
        var kept = square == 0 ? [] : Kept([.. a.Select(i => old[i])], [.. b.Select(i => @new[i])]).Select(pair => (a[pair.Old], b[pair.New]));
        return Between(kept.Append((old.Length - tail, @new.Length - tail)), head);
    }

    /// <summary>The places within a part of a list whose token occurs on the other side.</summary>
    private static List<int> Shared(string[] tokens, Range part, string[] others)
    {
        var known = others.ToHashSet(StringComparer.Ordinal);
        return [.. Enumerable.Range(0, tokens.Length).Take(part).Where(i => known.Contains(tokens[i]))];
    }

    /// <summary>The pairs of places of the tokens that both lists have in common, in order.</summary>
    private static IEnumerable<(int Old, int New)> Kept(string[] old, string[] @new)
    {
        // DiffPlex cuts both texts by one function and never looks at them otherwise; the tokens are there already.
        var blocks = new Differ().CreateCustomDiffs("old", "new", ignoreWhiteSpace: false, text => text == "old" ? old : @new).DiffBlocks;
        var (i, j) = (0, 0);
        foreach (var block in blocks.Append(new DiffBlock(old.Length, 0, @new.Length, 0)))
        {
            for (; i < block.DeleteStartA; i++, j++)
            {
                yield return (i, j);
            }

            (i, j) = (i + block.DeleteCountA, j + block.InsertCountB);
        }
    }

    /// <summary>What lies between the pairs of kept tokens, from <paramref name="start"/> on both sides to the last pair.</summary>
    private static List<DiffBlock> Between(IEnumerable<(int Old, int New)> kept, int start)
    {
        var blocks = new List<DiffBlock>();
        var (i, j) = (start, start);
        foreach (var (old, @new) in kept)
        {
            if (old > i || @new > j)
            {
                blocks.Add(new DiffBlock(i, old - i, j, @new - j));
            }

            (i, j) = (old + 1, @new + 1);
        }

        return blocks;
    }
}
