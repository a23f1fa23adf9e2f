using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Pull;

namespace SyncServer.Core.Tests.Pull;

public class CursorTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private static readonly Gen<long> Numbers = Gen.OneOf(
        Gen.Elements(0L, 1L, -1L, long.MaxValue, long.MinValue), Gen.Choose(int.MinValue, int.MaxValue).Select(i => (long)i << 17));

    private static readonly Gen<Cursor> Cursors =
        from space in Gen.ArrayOf(Gen.Choose(0, 255), 16)
        from numbers in Gen.ArrayOf(Numbers, 5)
        select new Cursor(new Guid([.. space.Select(b => (byte)b)]), numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);

    [Fact]
    public void A_cursor_reads_back_whole() =>
        Property.Holds(Cursors, cursor =>
        {
            var token = cursor.Encode(Key);
            Assert.Equal(Cursor.EncodedLength, token.Length);
            Assert.Equal(cursor, Cursor.Decode(token, Key));
        });

    [Fact]
    public void A_token_with_any_character_changed_is_no_cursor()
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var token = new Cursor(Guid.AllBitsSet, 1, 2, 3, 4, 5).Encode(Key);
        for (var at = 0; at < token.Length; at++)
        {
            foreach (var other in Alphabet.Append('=').Append('+').Append('/').Append(' ').Append('%').Append('é').Append('\0').Where(c => c != token[at]))
            {
                Assert.Null(Cursor.Decode(string.Concat(token.AsSpan(0, at), [other], token.AsSpan(at + 1)), Key));
            }
        }
    }

    [Fact]
    public void A_token_under_another_key_is_no_cursor() =>
        Property.Holds(Cursors.Zip(Gen.Choose(0, 255)), world =>
        {
            var other = (byte[])Key.Clone();
            other[world.Item2 / 8] ^= (byte)(1 << (world.Item2 % 8));
            Assert.Null(Cursor.Decode(world.Item1.Encode(other), Key));
        });

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("now")]
    [InlineData("null")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!")]
    [InlineData("                                                                                                  ")]
    public void Whatever_the_server_did_not_issue_is_no_cursor(string text) => Assert.Null(Cursor.Decode(text, Key));

    [Fact]
    public void A_token_that_is_cut_or_grows_is_no_cursor()
    {
        var token = new Cursor(Guid.Empty, 1, 2, 3, 4, 5).Encode(Key);
        Assert.All([token[1..], token[..^1], token + "A", token + "=", " " + token, token + "\n", token + token],
            text => Assert.Null(Cursor.Decode(text, Key)));
    }

    [Fact]
    public void A_filter_is_a_set()
    {
        Assert.Equal(Cursor.DigestOf(["note", "task"]), Cursor.DigestOf(["task", "note", "task"]));
        Assert.NotEqual(Cursor.DigestOf(["note", "task"]), Cursor.DigestOf(["note"]));
        Assert.NotEqual(Cursor.DigestOf(["a", "b"]), Cursor.DigestOf(["ab"]));
        Assert.NotEqual(Cursor.DigestOf(["a"]), Cursor.DigestOf(["A"]));
        Assert.Equal(0, Cursor.DigestOf([]));
    }

    [Fact]
    public void The_digest_of_a_filter_does_not_depend_on_its_order() =>
        Property.Holds(Gen.SubListOf("a", "b", "ab", "$conflict", "B").SelectMany(set => Gen.Shuffle(set.ToArray()).Select(shuffled => (set, shuffled))), world =>
            Assert.Equal(Cursor.DigestOf([.. world.set]), Cursor.DigestOf(world.shuffled)));
}
