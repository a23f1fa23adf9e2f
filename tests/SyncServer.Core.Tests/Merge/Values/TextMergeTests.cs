using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Tests.Merge.Values;

public class TextMergeTests
{
    private static readonly Gen<string> Texts = Of("a", "b", "c d", "", "e, f");

    private static readonly Gen<string> Words = Gen.Elements("a", "b", " ", "  ", ".", "\n", "\r\n", "😀").ListOf().Select(string.Concat);

    [Theory]
    [InlineData("one\ntwo\nthree\n", "ONE\ntwo\nthree\n", "one\ntwo\nTHREE\n", "ONE\ntwo\nTHREE\n")]
    [InlineData("The quick brown fox", "The slow brown fox", "The quick brown dog", "The slow brown dog")]
    [InlineData("one\ntwo", "ONE\ntwo", "one\ntwo\nthree", "ONE\ntwo\nthree")]
    [InlineData("one\ntwo", "one\nTWO", "one\ntwo\nthree", "one\nTWO\nthree")]
    [InlineData("one\r\ntwo\r\n", "one\r\nTWO\r\n", "one\r\ntwo\r\nthree\r\n", "one\r\nTWO\r\nthree\r\n")]
    [InlineData("one\r\ntwo", "ONE\r\ntwo", "one\r\ntwo\r\nthree", "ONE\r\ntwo\r\nthree")]
    [InlineData("a b c\n", "a b c\r\n", "A b c\n", "A b c\r\n")]
    [InlineData("one\ntwo\n", "zero\none\ntwo\n", "one\ntwo\nthree\n", "zero\none\ntwo\nthree\n")]
    [InlineData("one\ntwo\nthree\n", "two\nthree\n", "one\ntwo\nTHREE\n", "two\nTHREE\n")]
    [InlineData("one\ntwo\nthree", "one\nthree", "one\ntwo\nthree\nfour", "one\nthree\nfour")]
    [InlineData("foo baz\n", "foo bar\nfoo baz\n", "foo qux\n", "foo bar\nfoo qux\n")]
    [InlineData("a b c", "A b C", "A b c", "A b C")]
    [InlineData("x\ny\nz\n", "x1\ny\nz\n", "x1\ny\nz1\n", "x1\ny\nz1\n")]
    [InlineData("x 👩‍👩‍👧 y", "X 👩‍👩‍👧 y", "x 👩‍👩‍👧 Y", "X 👩‍👩‍👧 Y")]
    public void Edits_apart_from_each_other_both_survive(string before, string theirs, string yours, string merged)
    {
        Assert.Equal(merged, TextMerge.Merge(before, theirs, yours));
        Assert.Equal(merged, TextMerge.Merge(before, yours, theirs));
    }

    [Theory]
    [InlineData("a word\n", "a bird\n", "a sword\n")]
    [InlineData("ab cd", "ab-cd", "ab+cd")]
    [InlineData("a b", "x b", "ax b")]
    [InlineData("a,b", "x,b", "a;b")]
    [InlineData("one\ntwo\n", "one\ntwo\nthree\n", "one\ntwo\nfour\n")]
    [InlineData("one\ntwo", "one\ntwo\nthree", "one\ntwo\nfour")]
    [InlineData("one\ntwo\n", "two\n", "ONE\ntwo\n")]
    [InlineData("one\ntwo\n", "two\n", "one\n")]
    [InlineData("foo baz\n", "foo bar\nfoo baz\n", "quux baz\n")]
    [InlineData("one two\n", "one\ntwo\n", "ONE two\n")]
    [InlineData("", "a", "b")]
    [InlineData(null, "a\n", "\nb")]
    [InlineData("a", "", "b")]
    [InlineData("x 👩‍👩‍👧 y", "x 👩‍👩‍👦 y", "x 👩 y")]
    [InlineData("x 😀 y", "x 😁 y", "x 😂 y")]
    public void Edits_that_overlap_or_touch_are_a_conflict(string? before, string theirs, string yours)
    {
        Assert.Null(TextMerge.Merge(before, theirs, yours));
        Assert.Null(TextMerge.Merge(before, yours, theirs));
    }

    [Fact]
    public void A_side_that_changed_nothing_leaves_the_text_to_the_other() =>
        Property.Holds(Gen.OneOf(Texts, Words).Two(), texts =>
        {
            Assert.Equal(texts.Item2, TextMerge.Merge(texts.Item1, texts.Item2, texts.Item1));
            Assert.Equal(texts.Item2, TextMerge.Merge(texts.Item1, texts.Item1, texts.Item2));
            Assert.Equal(texts.Item2, TextMerge.Merge(texts.Item1, texts.Item2, texts.Item2));
            Assert.Equal(texts.Item2, TextMerge.Merge(null, texts.Item2, ""));
        });

    [Fact]
    public void The_order_of_the_sides_does_not_matter() =>
        Property.Holds(Gen.OneOf(Texts, Words).Three(), texts =>
            Assert.Equal(TextMerge.Merge(texts.Item1, texts.Item2, texts.Item3), TextMerge.Merge(texts.Item1, texts.Item3, texts.Item2)),
            worlds: 10_000);

    [Fact]
    public void Whatever_is_done_on_either_side_of_a_kept_line_survives() =>
        Property.Holds(Gen.OneOf(Texts, Words).Four(), parts =>
        {
            const string Kept = "\n=\n";
            var (before, after, theirs, yours) = parts;
            Assert.Equal(theirs + Kept + yours, TextMerge.Merge(before + Kept + after, theirs + Kept + after, before + Kept + yours));
        }, worlds: 20_000);

    [Fact]
    public void Whatever_is_done_on_either_side_of_a_kept_word_survives() =>
        Property.Holds(Of("a", "b", ".", "!").Select(text => text.ReplaceLineEndings(" ")).Four(), parts =>
        {
            var (before, after, theirs, yours) = parts;
            Assert.Equal($"{theirs}={yours}", TextMerge.Merge($"{before}={after}", $"{theirs}={after}", $"{before}={yours}"));
        }, worlds: 20_000);

    /// <summary>Each side deletes some lines, inserts lines of its own, and edits words of others.</summary>
    [Fact]
    public void No_line_is_lost_or_doubled()
    {
        var line = Gen.Choose(0, 11);
        var world = line.ListOf().Two().Zip(line.ListOf().Two(), (deleted, inserted) => (deleted, inserted))
            .Zip(line.ListOf().Two(), (changes, edited) => (changes.deleted, changes.inserted, edited));
        var merges = 0;
        Property.Holds(world, changes =>
        {
            var ((d1, d2), (i1, i2), (e1, e2)) = changes;
            var merged = TextMerge.Merge(Text([], [], [], ""), Text(d1, i1, e1, "T"), Text(d2, i2, e2, "Y"))?.Split('\n').ToList();
            if (merged is null)
            {
                return;
            }

            merges++;
            for (var i = 0; i < 12; i++)
            {
                var gone = d1.Contains(i) || d2.Contains(i);
                Assert.Equal(gone ? 0 : 1, merged.Count(text => text.EndsWith($" {i} end", StringComparison.Ordinal)));
                Assert.Equal(i1.Contains(i) ? 1 : 0, merged.Count(text => text == $"T new {i}"));
                Assert.Equal(i2.Contains(i) ? 1 : 0, merged.Count(text => text == $"Y new {i}"));
                Assert.Equal(e1.Contains(i) && !gone, merged.Exists(text => text.StartsWith('T') && text.EndsWith($" {i} end", StringComparison.Ordinal)));
            }
        }, worlds: 20_000);
        Assert.InRange(merges, 1_000, 20_000);
    }

    [Fact]
    public void Long_texts_merge_and_what_would_take_too_long_is_a_conflict()
    {
        var lines = Enumerable.Range(0, 20_000).Select(i => $"line {i % 7}").ToList();
        var text = string.Join('\n', lines);
        Assert.Equal($"first\n{text}\nlast", TextMerge.Merge(text, "first\n" + text, text + "\nlast"));
        Assert.Null(TextMerge.Merge(text, $"first\n{text}\nmiddle", string.Join('\n', lines.Append("last").Reverse())));
    }

    [Fact]
    public void A_text_rewritten_line_by_line_is_one_edit()
    {
        var text = string.Concat(Enumerable.Repeat("a\n", 60_000));
        var rewritten = string.Concat(Enumerable.Repeat("b\r\n", 60_000));
        Assert.Null(TextMerge.Merge(text, rewritten, "first\n" + text));
        Assert.Equal(rewritten + "=\nlast", TextMerge.Merge(text + "=\n", rewritten + "=\n", text + "=\nlast"));
    }

    private static Gen<string> Of(params string[] lines) => Gen.Elements(lines).ListOf().Select(chosen => string.Join('\n', chosen));

    private static string Text(List<int> deleted, List<int> inserted, List<int> edited, string side) =>
        string.Join('\n', Enumerable.Range(0, 12).SelectMany(i => (string[])
        [
            .. inserted.Contains(i) ? [$"{side} new {i}"] : Array.Empty<string>(),
            .. deleted.Contains(i) ? [] : new[] { $"{(edited.Contains(i) ? side : "x")} {i} end" },
        ]));
}
