using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SyncServer.Core.Json;

/// <summary>How this server writes JSON: compact UTF-8, with only those characters escaped that JSON demands.</summary>
public static class JsonText
{
    /// <summary>
    /// For <c>application/json</c>, which no browser reads as HTML. Depth is checked on the way in, so answers that
    /// wrap a stored value may be deeper than <see cref="Limits.JsonDepth"/>.
    /// </summary>
    public static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    // Beyond this a buffer is given back to the collector, so that one large document is not kept by every thread.
    private const int KeptBytes = 64 * 1024;

    // A push writes a handful of small documents; each thread has one buffer for them. Null while it is in use, so that
    // who writes a document inside another has a buffer of its own.
    [ThreadStatic]
    private static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Writer)? _kept;

    /// <summary>The bytes that <paramref name="write"/> produces.</summary>
    public static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write) => Bytes(write, static (writer, write) => write(writer));

    /// <summary>The bytes that <paramref name="write"/> produces of a value, as an array of their own. A static function needs no closure.</summary>
    internal static byte[] Bytes<T>(T value, Action<Utf8JsonWriter, T> write) => Written(value, write, static bytes => bytes.ToArray());

    /// <summary>SHA-256 over the bytes that <paramref name="write"/> produces, which nobody gets to see.</summary>
    internal static byte[] Hash(Action<Utf8JsonWriter> write) => Written(write, static (writer, write) => write(writer), SHA256.HashData);

    private static byte[] Written<T>(T value, Action<Utf8JsonWriter, T> write, Func<ReadOnlySpan<byte>, byte[]> read)
    {
        var (buffer, writer) = _kept ?? New();
        _kept = null;
        write(writer, value);
        writer.Flush();
        var result = read(buffer.WrittenSpan);
        if (buffer.Capacity <= KeptBytes)
        {
            buffer.ResetWrittenCount();
            writer.Reset();
            _kept = (buffer, writer);
        }

        return result;
    }

    private static (ArrayBufferWriter<byte>, Utf8JsonWriter) New()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        return (buffer, new Utf8JsonWriter(buffer, Options));
    }

    /// <summary>Writes the member where the value is present.</summary>
    public static void WriteOptional(this Utf8JsonWriter writer, string name, JsonValue? value)
    {
        if (value is not null)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }
    }
}
