using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using Serilog.Events;

namespace SyncServer.Http;

/// <summary>
/// A request's line as JSON, byte for byte what <see cref="JsonLines"/> makes of its event. There is one per request, so what all of
/// them share is in UTF-8 already, the message is not rendered before it is escaped, and numbers are not made of floating point.
/// </summary>
internal static class RequestLineJson
{
    /// <summary>A time, a whole number or milliseconds fit.</summary>
    private const int ScalarBytes = 40;

    /// <summary>Where the fraction of a second begins in a time, with its point, and how long it is.</summary>
    private const int FractionAt = 19, FractionLength = 8;

    private const long TicksPerTenth = TimeSpan.TicksPerMillisecond / 10;

    /// <summary>ASCII that the encoder leaves as it is: nearly every value is made of nothing else, and need not be looked at one by one.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        [.. Enumerable.Range(0, 128).Select(code => (char)code).Where(c => JavaScriptEncoder.Default.Encode(c.ToString()) == c.ToString())]);

    /// <summary>Writes the line with its end.</summary>
    public static void Write(ArrayBufferWriter<byte> output, in RequestLine line)
    {
        output.Write("{\"Timestamp\":\""u8);
        Time(output, line.Timestamp);
        output.Write("\",\"Level\":\""u8);
        output.Write(Name(line.Level));
        output.Write("\",\"RenderedMessage\":\""u8);
        Message(output, line);
        output.Write("\",\"Properties\":{\"Method\":"u8);
        Member(output, line.Method);
        output.Write(",\"Path\":"u8);
        Member(output, line.Path);
        output.Write(",\"Status\":"u8);
        Number(output, line.Status);
        output.Write(",\"Elapsed\":"u8);
        Milliseconds(output, line.Elapsed);
        output.Write(",\"Route\":"u8);
        Member(output, line.Route);
        output.Write(",\"Principal\":"u8);
        Member(output, line.Principal);
        output.Write(",\"OpId\":"u8);
        Member(output, line.OpId);
        output.Write(",\"Client\":"u8);
        Member(output, line.Client);
        output.Write(",\"Attempt\":"u8);
        Number(output, line.Attempt);
        output.Write(",\"Outbox\":"u8);
        Number(output, line.Outbox);
        output.Write(",\"TraceId\":"u8);
        Member(output, line.TraceId);
        output.Write(",\"EventId\":{\"Id\":1,\"Name\":\"Request\"},\"SourceContext\":\"SyncServer.Http.RequestLog\"}}\n"u8);
    }

    /// <summary>As Serilog renders <see cref="Log.Request"/>: strings stand in quotes.</summary>
    private static void Message(ArrayBufferWriter<byte> output, in RequestLine line)
    {
        Quoted(output, line.Method);
        output.Write(" "u8);
        Quoted(output, line.Path);
        output.Write(" answered "u8);
        Number(output, line.Status);
        output.Write(" in "u8);
        Tenths(output, line.Elapsed);
        output.Write(" ms (route "u8);
        Quoted(output, line.Route);
        output.Write(", principal "u8);
        Quoted(output, line.Principal);
        output.Write(", op "u8);
        Quoted(output, line.OpId);
        output.Write(", client "u8);
        Quoted(output, line.Client);
        output.Write(", attempt "u8);
        Number(output, line.Attempt);
        output.Write(", outbox "u8);
        Number(output, line.Outbox);
        output.Write(", trace "u8);
        Quoted(output, line.TraceId);
        output.Write(")"u8);
    }

    private static ReadOnlySpan<byte> Name(LogEventLevel level) => level switch
    {
        LogEventLevel.Information => "Information"u8,
        LogEventLevel.Debug => "Debug"u8,
        LogEventLevel.Warning => "Warning"u8,
        _ => Encoding.ASCII.GetBytes(level.ToString()),
    };

    private static void Member(ArrayBufferWriter<byte> output, string? text)
    {
        if (text is null)
        {
            output.Write("null"u8);
            return;
        }

        output.Write("\""u8);
        Text(output, text);
        output.Write("\""u8);
    }

    private static void Quoted(ArrayBufferWriter<byte> output, string? text)
    {
        if (text is null)
        {
            output.Write("null"u8);
            return;
        }

        output.Write("\\u0022"u8);
        Text(output, text.Replace("\"", "\\\"", StringComparison.Ordinal));
        output.Write("\\u0022"u8);
    }

    private static void Text(ArrayBufferWriter<byte> output, string text)
    {
        var escaped = text.AsSpan().ContainsAnyExcept(Plain) ? JavaScriptEncoder.Default.Encode(text) : text;
        // Escaped is ASCII: a byte for each character.
        output.Advance(Encoding.ASCII.GetBytes(escaped, output.GetSpan(escaped.Length)));
    }

    private static void Number(ArrayBufferWriter<byte> output, long? number)
    {
        if (number is not { } known)
        {
            output.Write("null"u8);
            return;
        }

        known.TryFormat(output.GetSpan(ScalarBytes), out var length);
        output.Advance(length);
    }

    /// <summary>Milliseconds without zeros at the end. Ticks are ten thousandths of one, so four digits are exact.</summary>
    private static void Milliseconds(ArrayBufferWriter<byte> output, TimeSpan elapsed)
    {
        var (whole, rest) = Math.DivRem(elapsed.Ticks, TimeSpan.TicksPerMillisecond);
        Number(output, whole);
        if (rest == 0)
        {
            return;
        }

        var fraction = output.GetSpan(5);
        fraction[0] = (byte)'.';
        rest.TryFormat(fraction[1..], out _, "0000");
        output.Advance(fraction[..5].TrimEnd((byte)'0').Length);
    }

    /// <summary>Milliseconds with one digit behind the point, half a tenth rounded up.</summary>
    private static void Tenths(ArrayBufferWriter<byte> output, TimeSpan elapsed)
    {
        var (whole, tenths) = Math.DivRem((elapsed.Ticks + (TicksPerTenth / 2)) / TicksPerTenth, 10);
        Number(output, whole);
        output.Write("."u8);
        Number(output, tenths);
    }

    /// <summary>ISO 8601 without zeros at the end of the fraction.</summary>
    private static void Time(ArrayBufferWriter<byte> output, DateTimeOffset time)
    {
        var text = output.GetSpan(ScalarBytes);
        time.TryFormat(text, out var length, "O");
        var fraction = text.Slice(FractionAt, FractionLength).TrimEnd((byte)'0');
        var kept = FractionAt + (fraction.Length == 1 ? 0 : fraction.Length);
        text[(FractionAt + FractionLength)..length].CopyTo(text[kept..]);
        output.Advance(length - (FractionAt + FractionLength - kept));
    }
}
