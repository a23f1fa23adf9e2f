using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using SyncServer.Core.Json;
using SyncServer.Core.Records;

namespace SyncServer.Pull;

/// <summary>
/// JSON in one rented buffer. What comes from the database goes there as the bytes that it is, without strings or a tree in between; the escapes
/// are those of every other JSON of this server.
/// </summary>
internal sealed class RowJson : IDisposable
{
    /// <summary>A page of a hundred small records; a larger one doubles it as its bytes come.</summary>
    private const int FirstBytes = 64 * 1024;

    /// <summary>Bytes that a byte of text takes at most: the escape <c>\uXXXX</c>.</summary>
    private const int EscapedBytes = 6;

    /// <summary>Characters of the longest number, <c>-9223372036854775808</c>.</summary>
    private const int NumberBytes = 20;

    private static readonly JavaScriptEncoder Encoder = JsonText.Options.Encoder!;

    // What names, ids and most principals are made of, none of which is ever escaped: the encoder need not be asked.
    private static readonly SearchValues<byte> Plain = SearchValues.Create("-.0123456789:@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"u8);

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int _length;

    /// <summary>What was written; valid until the buffer is given back.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>Writes JSON as it is.</summary>
    public void Raw(ReadOnlySpan<byte> json)
    {
        Reserve(json.Length);
        json.CopyTo(_bytes.AsSpan(_length));
        _length += json.Length;
    }

    /// <summary>Writes a text as a JSON string. Returns the bytes of the text.</summary>
    public int Text(ReadOnlySpan<byte> text)
    {
        Reserve((EscapedBytes * text.Length) + 2);
        var to = _bytes.AsSpan(_length);
        to[0] = (byte)'"';
        var written = text.Length;
        if (text.IndexOfAnyExcept(Plain) < 0)
        {
            text.CopyTo(to[1..]);
        }
        else
        {
            Encoder.EncodeUtf8(text, to[1..], out _, out written);
        }

        to[written + 1] = (byte)'"';
        _length += written + 2;
        return text.Length;
    }

    /// <summary>Takes back the last bytes.</summary>
    public void Back(int bytes) => _length -= bytes;

    /// <summary>Writes a number.</summary>
    public void Number(long number)
    {
        Reserve(NumberBytes);
        Utf8Formatter.TryFormat(number, _bytes.AsSpan(_length), out var written);
        _length += written;
    }

    /// <summary>Writes a point in time as a JSON string.</summary>
    public void Time(DateTime utc)
    {
        Raw("\""u8);
        Reserve(Timestamp.RoundTripLength);
        _length += Timestamp.Format(utc, _bytes.AsSpan(_length));
        Raw("\""u8);
    }

    /// <summary>Gives the buffer back; to be called once.</summary>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private void Reserve(int more)
    {
        if (_bytes.Length - _length < more)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + more, 2 * _bytes.Length));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
    }
}
