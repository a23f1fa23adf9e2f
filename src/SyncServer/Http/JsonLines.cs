using System.Buffers;
using System.Text.Json;
using Serilog.Core;
using Serilog.Events;

namespace SyncServer.Http;

/// <summary>
/// Log lines as JSON, one object each, in the order in which they came. Lines are gathered for a moment and written together:
/// a system call per request would cost more than the line. A warning or worse is written at once, with everything before it,
/// and so is everything at the end; a process that is killed takes the last moment's lines with it.
/// </summary>
internal sealed class JsonLines : ILogEventSink, IDisposable
{
    /// <summary>Nobody who watches a log notices; a busy server has hundreds of lines in it.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    /// <summary>Bytes that are written before the moment is over: what a pipe takes at once.</summary>
    private const int Most = 64 * 1024;

    /// <summary>Nesting of a value: log messages carry scalars, and what lies deeper becomes text.</summary>
    private const int Depth = 8;

    private readonly Stream _output;
    private readonly Lock _lock = new();
    private readonly ArrayBufferWriter<byte> _gathered = new(2 * Most);
    private readonly Utf8JsonWriter _json;
    private readonly StringWriter _message = new();
    private readonly Timer _timer;
    private char[] _characters = new char[1024];
    private bool _waiting;

    /// <summary>Writes to <paramref name="output"/>, which stays open.</summary>
    public JsonLines(Stream output)
    {
        _output = output;
        _json = new Utf8JsonWriter(_gathered);
        _timer = new Timer(_ => Flush(), state: null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes a few microseconds under the lock, so that lines stay whole and in order.</summary>
    public void Emit(LogEvent logEvent)
    {
        lock (_lock)
        {
            Gather(logEvent);
            Gathered(logEvent.Level);
        }
    }

    /// <summary>The same line as the event of <paramref name="line"/> would be, without making one.</summary>
    public void Write(in RequestLine line)
    {
        lock (_lock)
        {
            RequestLineJson.Write(_gathered, line);
            Gathered(line.Level);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        Flush();
        _json.Dispose();
        _message.Dispose();
    }

    private void Gathered(LogEventLevel level)
    {
        if (level >= LogEventLevel.Warning || _gathered.WrittenCount >= Most)
        {
            WriteOut();
        }
        else if (!_waiting)
        {
            _waiting = _timer.Change(Moment, Timeout.InfiniteTimeSpan);
        }
    }

    private void Flush()
    {
        lock (_lock)
        {
            _waiting = false;
            WriteOut();
        }
    }

    private void WriteOut()
    {
        try
        {
            _output.Write(_gathered.WrittenSpan);
            _output.Flush();
        }
        catch (IOException trouble)
        {
            // A full disk, perhaps: the lines are lost, and the server goes on without them.
            Serilog.Debugging.SelfLog.WriteLine("The log cannot be written: {0}", trouble.Message);
        }

        _gathered.ResetWrittenCount();
    }

    private void Gather(LogEvent logEvent)
    {
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("Timestamp"u8, logEvent.Timestamp);
        _json.WriteString("Level"u8, logEvent.Level.ToString());
        _json.WriteString("RenderedMessage"u8, Rendered(logEvent));
        if (logEvent.Exception is { } exception)
        {
            _json.WriteString("Exception"u8, exception.ToString());
        }

        _json.WriteStartObject("Properties"u8);
        foreach (var (name, value) in logEvent.Properties)
        {
            _json.WritePropertyName(name);
            Write(value, Depth);
        }

        // What is said while a request is answered can be found by its trace.
        if (logEvent.TraceId is { } trace && !logEvent.Properties.ContainsKey("TraceId"))
        {
            _json.WriteString("TraceId"u8, trace.ToHexString());
        }

        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.Flush();
        _gathered.Write("\n"u8);
    }

    private ReadOnlySpan<char> Rendered(LogEvent logEvent)
    {
        var message = _message.GetStringBuilder().Clear();
        logEvent.RenderMessage(_message);
        if (message.Length > _characters.Length)
        {
            _characters = new char[message.Length];
        }

        message.CopyTo(0, _characters, message.Length);
        return _characters.AsSpan(0, message.Length);
    }

    private void Write(LogEventPropertyValue value, int depth)
    {
        switch (value)
        {
            case ScalarValue scalar:
                Write(scalar.Value);
                break;
            case StructureValue structure when depth > 0:
                _json.WriteStartObject();
                foreach (var member in structure.Properties)
                {
                    _json.WritePropertyName(member.Name);
                    Write(member.Value, depth - 1);
                }

                _json.WriteEndObject();
                break;
            case SequenceValue sequence when depth > 0:
                _json.WriteStartArray();
                foreach (var element in sequence.Elements)
                {
                    Write(element, depth - 1);
                }

                _json.WriteEndArray();
                break;
            default:
                _json.WriteStringValue(value.ToString());
                break;
        }
    }

    private void Write(object? scalar)
    {
        switch (scalar)
        {
            case null:
                _json.WriteNullValue();
                break;
            case bool flag:
                _json.WriteBooleanValue(flag);
                break;
            case int number:
                _json.WriteNumberValue(number);
                break;
            case long number:
                _json.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                _json.WriteNumberValue(number);
                break;
            default:
                _json.WriteStringValue(scalar.ToString());
                break;
        }
    }
}
