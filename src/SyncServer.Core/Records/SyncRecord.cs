using System.Globalization;
using System.Text.Json;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Records;

/// <summary>A record's data: its JSON bytes, parsed when somebody asks for the members.</summary>
public sealed class RecordData
{
    private JsonObject? _value;

    /// <summary>Data that came from the table.</summary>
    public RecordData(ReadOnlyMemory<byte> stored) => Utf8 = stored;

    /// <summary>Data that a write made.</summary>
    public RecordData(JsonObject value)
    {
        _value = value;
        Utf8 = value.ToUtf8();
    }

    /// <summary>Compact JSON.</summary>
    public ReadOnlyMemory<byte> Utf8 { get; }

    /// <summary>The members.</summary>
    public JsonObject Value => _value ??= JsonParser.ParseStored(Utf8.Span);
}

/// <summary>The latest state of a record, or its tombstone.</summary>
public sealed record SyncRecord
{
    /// <summary>Its identity.</summary>
    public required RecordKey Key { get; init; }

    /// <summary>1 at creation, +1 at each accepted write that changes something.</summary>
    public required long Rev { get; init; }

    /// <summary>The position of its last change in the space.</summary>
    public required long Seq { get; init; }

    /// <summary>Whether this is a tombstone.</summary>
    public required bool Deleted { get; init; }

    /// <summary>The data; a tombstone keeps its last until it is purged, and never shows it.</summary>
    public required RecordData? Data { get; init; }

    /// <summary>When the server accepted the last change, to the millisecond.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The principal of the last change.</summary>
    public required string UpdatedBy { get; init; }

    /// <summary>The op of the last change.</summary>
    public required string OpId { get; init; }

    /// <summary>The strong ETag, quotes included.</summary>
    public string ETag => ETagOf(Rev);

    /// <summary>The strong ETag of a revision, quotes included.</summary>
    public static string ETagOf(long rev) => string.Create(CultureInfo.InvariantCulture, $"\"rev-{rev}\"");

    /// <summary>Writes the record envelope (protocol 1).</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        Span<byte> updatedAt = stackalloc byte[Timestamp.RoundTripLength];
        writer.WriteStartObject();
        writer.WriteString("entity", Key.Entity);
        writer.WriteString("id", Key.Id);
        writer.WriteNumber("rev", Rev);
        writer.WriteBoolean("deleted", Deleted);
        writer.WriteString("updatedAtServer", updatedAt[..Timestamp.Format(UpdatedAt.UtcDateTime, updatedAt)]);
        writer.WriteString("updatedBy", UpdatedBy);
        writer.WriteString("opId", OpId);
        if (!Deleted && Data is not null)
        {
            writer.WritePropertyName("data");
            writer.WriteRawValue(Data.Utf8.Span, skipInputValidation: true);
        }

        writer.WriteEndObject();
    }
}

/// <summary>Points in time on the wire: RFC 3339, UTC, milliseconds.</summary>
public static class Timestamp
{
    /// <summary>Bytes of every point in time.</summary>
    private const int WireLength = 24;

    /// <summary>For example <c>2026-11-20T10:15:00.123Z</c>.</summary>
    public static string Format(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Bytes that <see cref="Format(DateTime, Span{byte})"/> needs at its destination: more than it leaves there.</summary>
    public const int RoundTripLength = 28;

    /// <summary>The same in UTF-8, without a string; returns the bytes that it takes.</summary>
    public static int Format(DateTime utc, Span<byte> destination)
    {
        // The round-trip form has a fast path and seven decimals, of which three stay.
        utc.TryFormat(destination, out _, "O", CultureInfo.InvariantCulture);
        destination[WireLength - 1] = (byte)'Z';
        return WireLength;
    }

    /// <summary>The point that the wire and the tables can hold alike.</summary>
    public static DateTimeOffset Truncate(DateTimeOffset at) =>
        new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
}
