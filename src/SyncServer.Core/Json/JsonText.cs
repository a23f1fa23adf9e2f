using System.Buffers;
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

    /// <summary>The bytes that <paramref name="write"/> produces.</summary>
    public static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
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
