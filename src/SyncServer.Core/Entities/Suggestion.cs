namespace SyncServer.Core.Entities;

/// <summary>What somebody who mistyped a word may have meant.</summary>
internal static class Suggestion
{
    // Two slips: a swap of neighbours, or a letter too many and one too few. With three, short words mean anything.
    private const int Slips = 2;

    /// <summary>A sentence with the nearest of the known words, or one that lists them all.</summary>
    public static string For(string word, IReadOnlyList<string> known)
    {
        var (nearest, distance) = known.Select(candidate => (candidate, Distance(word, candidate))).MinBy(pair => pair.Item2);
        return distance <= Slips && distance < nearest.Length
            ? $"Did you mean '{nearest}'?"
            : $"Known are: {string.Join(", ", known)}.";
    }

    /// <summary>The edits of one character, letter case apart, that lead from one word to the other; above <see cref="Slips"/> perhaps fewer than it takes.</summary>
    private static int Distance(string left, string right)
    {
        if (Math.Abs(left.Length - right.Length) > Slips)
        {
            return Slips + 1;
        }

        var previous = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var current = new int[right.Length + 1];
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var same = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]);
                current[j] = Math.Min(Math.Min(previous[j], current[j - 1]) + 1, previous[j - 1] + (same ? 0 : 1));
            }

            previous = current;
        }

        return previous[^1];
    }
}
