using System.Buffers.Text;

namespace SyncServer.Benchmarks.Load;

/// <summary>The bytes of one request, written into an array that is used again. Nothing is allocated while load runs.</summary>
internal sealed class RequestBuffer
{
    /// <summary>Room for the digits of a Content-Length, padded in front with spaces, which RFC 9110 (5.5) allows.</summary>
    private const int LengthDigits = 7;

    private byte[] _bytes = new byte[16 * 1024];
    private int _length;
    private int _lengthAt;
    private int _bodyAt;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public RequestBuffer Clear()
    {
        _length = 0;
        return this;
    }

    public RequestBuffer Put(ReadOnlySpan<byte> text)
    {
        Reserve(text.Length);
        text.CopyTo(_bytes.AsSpan(_length));
        _length += text.Length;
        return this;
    }

    public RequestBuffer Put(Guid id)
    {
        Reserve(36);
        Utf8Formatter.TryFormat(id, _bytes.AsSpan(_length), out var written);
        _length += written;
        return this;
    }

    public RequestBuffer Put(long number)
    {
        Reserve(20);
        Utf8Formatter.TryFormat(number, _bytes.AsSpan(_length), out var written);
        _length += written;
        return this;
    }

    /// <summary>Ends the head of a request with a body, whose length is filled in by <see cref="EndBody"/>.</summary>
    public RequestBuffer BeginBody()
    {
        Put("Content-Type: application/json\r\nContent-Length: "u8);
        Reserve(LengthDigits);
        _lengthAt = _length;
        _length += LengthDigits;
        Put("\r\n\r\n"u8);
        _bodyAt = _length;
        return this;
    }

    public void EndBody()
    {
        var digits = _bytes.AsSpan(_lengthAt, LengthDigits);
        var left = _length - _bodyAt;
        for (var i = LengthDigits - 1; i >= 0; i--)
        {
            digits[i] = left > 0 ? (byte)('0' + (left % 10)) : (byte)' ';
            left /= 10;
        }
    }

    private void Reserve(int more)
    {
        if (_length + more > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + more));
        }
    }
}
