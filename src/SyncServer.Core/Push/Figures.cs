using System.Globalization;
using System.Text.Json;
using SyncServer.Core.Json;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>
/// All that was ever counted in a space, by entity, as the JSON that stands in the space's row:
/// <c>{"note":{"live":2,"sum":"25a4dc0a3f5f8ab5","applied":3}}</c>. What is 0 is left out. The sum is 16 hex digits, as on the wire:
/// readers that take numbers for doubles would not keep it.
/// </summary>
public readonly record struct Figures(ReadOnlyMemory<byte> Json)
{
    private static readonly byte[] Empty = "{}"u8.ToArray();

    // Of an entity with one character and no figure: "e":{},
    private const int LeastBytes = 7;

    /// <summary>Of a space in which nothing was counted yet.</summary>
    public static readonly Figures None = new(Empty);

    /// <summary>
    /// These with what one transaction adds. Entities that gain nothing are copied as they stand, so that few gains cost little
    /// among many entities.
    /// </summary>
    public Figures Plus(Tallies gains)
    {
        if (!gains.Any)
        {
            return this;
        }

        return new Figures(JsonText.Bytes((Stored: this, Gains: gains), static (writer, sum) =>
        {
            writer.WriteStartObject();
            var found = sum.Stored.Splice(writer, sum.Gains);
            if (found < sum.Gains.ByEntity.Count)
            {
                // Which ones are new is only worked out where some are: a space soon has all of its entities.
                Append(writer, sum.Gains, known: sum.Stored.Entities());
            }

            writer.WriteEndObject();
        }));
    }

    /// <summary>Adds these to what was counted elsewhere.</summary>
    public void AddTo(Tallies tallies)
    {
        var reader = new Utf8JsonReader(Json.Span);
        Span<char> name = stackalloc char[Limits.EntityLength];
        for (reader.Read(); IsMember(ref reader);)
        {
            var entity = name[..reader.CopyString(name)];
            tallies.Add(entity, Read(ref reader));
        }
    }

    /// <summary>The checksums of <paramref name="entities"/>, with live records or not; of all that have some where none is named.</summary>
    public SortedDictionary<string, Checksum> Checksums(IReadOnlyCollection<string> entities)
    {
        var tallies = new Tallies();
        AddTo(tallies);
        return new SortedDictionary<string, Checksum>(
            entities.Count > 0
                ? entities.Distinct(StringComparer.Ordinal).ToDictionary(entity => entity, entity => tallies.ByEntity.GetValueOrDefault(entity).Checksum)
                : tallies.ByEntity.Where(counted => counted.Value.Live > 0).ToDictionary(counted => counted.Key, counted => counted.Value.Checksum),
            StringComparer.Ordinal);
    }

    /// <summary>False where there never was a conflict, which is so in most spaces and quickly seen; an entity of that name reads as one.</summary>
    public bool KnowsConflicts => Json.Span.IndexOf("\"opened\""u8) >= 0;

    /// <summary>Whether a conflict about a record of the entity is open.</summary>
    public bool HasOpenConflicts(string entity)
    {
        var counted = new Tallies();
        AddTo(counted);
        return counted.ByEntity.GetValueOrDefault(entity) is var tally && tally.Opened > tally.Resolved;
    }

    /// <summary>How many entities there may be at most, without looking through them.</summary>
    public int EntitiesAtMost => Json.Length / LeastBytes;

    /// <summary>The names of the entities.</summary>
    public HashSet<string> Entities()
    {
        var entities = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(Json.Span);
        for (reader.Read(); IsMember(ref reader); reader.Skip())
        {
            entities.Add(reader.GetString()!);
        }

        return entities;
    }

    /// <summary>Writes every entity that is stored, with its gain where it has one, and says how many have. None is stored twice.</summary>
    private int Splice(Utf8JsonWriter writer, Tallies gains)
    {
        var found = 0;
        var stored = Json.Span;
        var reader = new Utf8JsonReader(stored);
        Span<char> name = stackalloc char[Limits.EntityLength];
        for (reader.Read(); IsMember(ref reader);)
        {
            var entity = name[..reader.CopyString(name)];
            writer.WritePropertyName(entity);
            if (gains.TryGet(entity, out var gain))
            {
                found++;
                Write(writer, Read(ref reader) + gain);
            }
            else
            {
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                writer.WriteRawValue(stored[start..(int)reader.BytesConsumed], skipInputValidation: true);
            }
        }

        return found;
    }

    /// <summary>Writes the gains of all entities but those that are <paramref name="known"/>.</summary>
    private static void Append(Utf8JsonWriter writer, Tallies gains, HashSet<string> known)
    {
        foreach (var (entity, gain) in gains.ByEntity)
        {
            if (!known.Contains(entity))
            {
                writer.WritePropertyName(entity);
                Write(writer, gain);
            }
        }
    }

    private static bool IsMember(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>The value behind the name of an entity. A figure that is not known is an error: written again without it, it would be lost.</summary>
    private static Tally Read(ref Utf8JsonReader reader)
    {
        var tally = default(Tally);
        Span<char> name = stackalloc char[Limits.EntityLength];
        for (reader.Read(); IsMember(ref reader);)
        {
            var figure = name[..reader.CopyString(name)];
            reader.Read();
            tally = figure switch
            {
                "live" => tally with { Live = reader.GetInt64() },
                "sum" => tally with { Sum = ulong.Parse(reader.ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) },
                "applied" => tally with { Applied = reader.GetInt64() },
                "merged" => tally with { Merged = reader.GetInt64() },
                "parked" => tally with { Parked = reader.GetInt64() },
                "refused" => tally with { Refused = reader.GetInt64() },
                "replayed" => tally with { Replayed = reader.GetInt64() },
                "reused" => tally with { Reused = reader.GetInt64() },
                "opened" => tally with { Opened = reader.GetInt64() },
                "resolved" => tally with { Resolved = reader.GetInt64() },
                _ => throw new JsonException($"There is no figure {figure}."),
            };
        }

        return tally;
    }

    private static void Write(Utf8JsonWriter writer, Tally tally)
    {
        writer.WriteStartObject();
        Write(writer, "live"u8, tally.Live);
        if (tally.Sum != 0)
        {
            Span<byte> digits = stackalloc byte[16];
            tally.Sum.TryFormat(digits, out _, "x16", CultureInfo.InvariantCulture);
            writer.WriteString("sum"u8, digits);
        }

        Write(writer, "applied"u8, tally.Applied);
        Write(writer, "merged"u8, tally.Merged);
        Write(writer, "parked"u8, tally.Parked);
        Write(writer, "refused"u8, tally.Refused);
        Write(writer, "replayed"u8, tally.Replayed);
        Write(writer, "reused"u8, tally.Reused);
        Write(writer, "opened"u8, tally.Opened);
        Write(writer, "resolved"u8, tally.Resolved);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> name, long figure)
    {
        if (figure != 0)
        {
            writer.WriteNumber(name, figure);
        }
    }
}
