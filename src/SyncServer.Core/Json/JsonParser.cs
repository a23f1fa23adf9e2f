using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace SyncServer.Core.Json;

/// <summary>
/// The only door for JSON into the server. It refuses what readers disagree about (RFC 8259, 4, 6, 8, 9; RFC 7493):
/// duplicate member names, nesting over <see cref="Limits.JsonDepth"/>, <c>\u0000</c> and lone surrogates in names and
/// strings, numbers longer than <see cref="Limits.NumberLength"/> or not finite as doubles, and invalid UTF-8.
/// </summary>
public static class JsonParser
{
    // A $conflict record wraps what came in: /conflicts/0/theirs and /ops/0/patch lie three levels down.
    private const int StoredDepth = Limits.JsonDepth + 3;

    /// <summary>The value, or a rejection whose pointer names the place where that is known.</summary>
    public static (JsonValue? Value, Rejection? Rejection) Parse(ReadOnlySpan<byte> utf8) => Parse(utf8, Limits.JsonDepth);

    /// <summary>Stored JSON, which came in through <see cref="Parse(ReadOnlySpan{byte})"/>; anything else in the table is a defect.</summary>
    public static JsonObject ParseStored(ReadOnlySpan<byte> utf8) => ParseStored<JsonObject>(utf8);

    /// <inheritdoc cref="ParseStored(ReadOnlySpan{byte})"/>
    public static T ParseStored<T>(ReadOnlySpan<byte> utf8)
        where T : JsonValue =>
        Parse(utf8, StoredDepth).Value as T ?? throw new InvalidOperationException("Stored data is not the JSON that was stored.");

    private static (JsonValue? Value, Rejection? Rejection) Parse(ReadOnlySpan<byte> utf8, int depth)
    {
        if (!Utf8.IsValid(utf8))
        {
            return (null, new Rejection(ErrorCode.InvalidRequest, "The body is not valid UTF-8."));
        }

        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = depth });
        var run = new Run();
        try
        {
            reader.Read();
            var value = run.Value(ref reader);
            if (value is not null)
            {
                // Refuses anything but white space behind the value.
                reader.Read();
                return (value, null);
            }
        }
        catch (JsonException trouble)
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"line {trouble.LineNumber + 1}, byte {trouble.BytePositionInLine + 1}");
            return (null, new Rejection(ErrorCode.InvalidRequest,
                $"The body is not well-formed JSON of at most {depth} levels: see {place}."));
        }

        return (null, Rejection.At(run.Pointer(), run.Failure!));
    }

    /// <summary>One parse. A null value means that <see cref="Failure"/> is set and the path leads to it.</summary>
    private sealed class Run
    {
        private readonly List<string> _path = [];

        public string? Failure { get; private set; }

        public string Pointer() => _path.AsEnumerable().Reverse().Aggregate("", JsonPointer.Child);

        public JsonValue? Value(ref Utf8JsonReader reader) => reader.TokenType switch
        {
            JsonTokenType.StartObject => Object(ref reader),
            JsonTokenType.StartArray => Array(ref reader),
            JsonTokenType.String => Text(ref reader) is { } text ? new JsonString(text) : null,
            JsonTokenType.Number => Number(ref reader),
            JsonTokenType.True => JsonLiteral.True,
            JsonTokenType.False => JsonLiteral.False,
            _ => JsonLiteral.Null,
        };

        private JsonObject? Object(ref Utf8JsonReader reader)
        {
            var members = new JsonMembers(capacity: 4);
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                if (Text(ref reader) is not { } name)
                {
                    return null;
                }

                // The place is taken before the value is read.
                if (!members.TryAdd(name, JsonLiteral.Null, out var place))
                {
                    _path.Add(name);
                    return Fail<JsonObject>("The member name stands twice in its object.");
                }

                reader.Read();
                if (Value(ref reader) is not { } value)
                {
                    _path.Add(name);
                    return null;
                }

                members.Set(place, value);
            }

            return JsonObject.Keep(members);
        }

        private JsonArray? Array(ref Utf8JsonReader reader)
        {
            var items = new List<JsonValue>();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (Value(ref reader) is not { } item)
                {
                    _path.Add(items.Count.ToString(CultureInfo.InvariantCulture));
                    return null;
                }

                items.Add(item);
            }

            return new JsonArray(items);
        }

        private string? Text(ref Utf8JsonReader reader)
        {
            // Raw UTF-8 was checked as a whole, so only escapes can smuggle in what is not Unicode text.
            if (reader.ValueIsEscaped && !EscapesAreText(reader.ValueSpan))
            {
                return Fail<string>("Strings and names hold neither \\u0000 nor lone surrogates.");
            }

            return reader.GetString();
        }

        private JsonNumber? Number(ref Utf8JsonReader reader)
        {
            if (reader.ValueSpan.Length > Limits.NumberLength)
            {
                return Fail<JsonNumber>($"Numbers have at most {Limits.NumberLength} characters.");
            }

            // JSON numbers are a subset of what double reads; one that is out of range comes back as infinite. Without an exponent
            // it would need more digits than are let in.
            var token = Encoding.ASCII.GetString(reader.ValueSpan);
            return !token.AsSpan().ContainsAny('e', 'E') || double.IsFinite(double.Parse(token, NumberStyles.Float, CultureInfo.InvariantCulture))
                ? new JsonNumber(token)
                : Fail<JsonNumber>("Numbers are finite as IEEE doubles.");
        }

        private T? Fail<T>(string detail) where T : class
        {
            Failure = detail;
            return null;
        }

        /// <summary>Whether every <c>\u</c> escape of a well-formed JSON string is a scalar value other than U+0000.</summary>
        private static bool EscapesAreText(ReadOnlySpan<byte> raw)
        {
            var high = false;
            for (var i = 0; i < raw.Length; i++)
            {
                var unit = -1;
                if (raw[i] == '\\')
                {
                    i++;
                    if (raw[i] == 'u')
                    {
                        unit = int.Parse(raw.Slice(i + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                        i += 4;
                    }
                }

                var low = unit is >= 0xDC00 and <= 0xDFFF;
                if (unit == 0 || low != high)
                {
                    return false;
                }

                high = unit is >= 0xD800 and <= 0xDBFF;
            }

            return !high;
        }
    }
}
