using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using Npgsql;
using SyncServer.Core.Json;
using SyncServer.Core.Records;

namespace SyncServer.Pull;

/// <summary>
/// JSON in one rented buffer. What stands in a row goes from the wire of the database to the buffer as the bytes that it is,
/// without strings or a tree in between; the escapes are those of every other JSON of this server.
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

    /// <summary>Writes a column that holds JSON, as it is: on the wire of PostgreSQL a <c>json</c> is its text. Returns its bytes.</summary>
    public int Raw(NpgsqlDataReader row, int column)
    {
        var length = Read(row, column);
        _length += length;
        return length;
    }

    /// <summary>Writes a column that holds text as a JSON string. Returns the bytes of the text.</summary>
    public int Text(NpgsqlDataReader row, int column)
    {
        Raw("\""u8);
        var length = Read(row, column);
        var text = _bytes.AsSpan(_length, length);
        if (text.IndexOfAnyExcept(Plain) < 0 || Encoder.FindFirstCharacterToEncodeUtf8(text) < 0)
        {
            _length += length;
        }
        else
        {
            Escape(text.ToArray());
        }

        Raw("\""u8);
        return length;
    }

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

    /// <summary>Puts the bytes of a column behind what was written, and returns their number.</summary>
    private int Read(NpgsqlDataReader row, int column)
    {
        // Asking for the length is a call of its own, and mostly the buffer is longer.
        var room = _bytes.Length - _length;
        if (row.GetBytes(column, 0, _bytes, _length, room) is var read && read < room)
        {
            return (int)read;
        }

        var length = (int)row.GetBytes(column, 0, null, 0, 0);
        Reserve(length);
        return (int)row.GetBytes(column, 0, _bytes, _length, length);
    }

    private void Escape(ReadOnlySpan<byte> text)
    {
        Reserve(EscapedBytes * text.Length);
        Encoder.EncodeUtf8(text, _bytes.AsSpan(_length), out _, out var written);
        _length += written;
    }

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
