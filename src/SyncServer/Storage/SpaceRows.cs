using Npgsql;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Storage;

/// <summary>Rows of the hot tables to Core's records; the column lists and the readers belong together.</summary>
internal static class SpaceRows
{
    /// <summary>The columns of a record under the alias <c>r</c>.</summary>
    public const string RecordColumns = "r.entity, r.record_id, r.rev, r.seq, r.deleted, r.data, r.updated_at, r.updated_by, r.op_id";

    /// <summary>The same as it goes to clients: what a tombstone keeps for a restore stays where it is.</summary>
    public const string EnvelopeColumns =
        "r.entity, r.record_id, r.rev, r.seq, r.deleted, CASE WHEN NOT r.deleted THEN r.data END, r.updated_at, r.updated_by, r.op_id";

    /// <summary>
    /// The bytes of an envelope, at most: its data, its names, JSON escapes of the op id (of quotes and backslashes) and of the
    /// principal (of anything), and 256 for everything of fixed length. Pages are cut by it in the database, so that data beyond the cut is never read.
    /// </summary>
    public const string EnvelopeSize =
        "CASE WHEN deleted THEN 0 ELSE data_bytes END + octet_length(entity) + octet_length(record_id) + 2 * octet_length(op_id) + 6 * octet_length(updated_by) + 256";

    /// <summary>The same, in bytes of the names together, the op id, the principal, and the data that goes to clients.</summary>
    public static int EnvelopeBytes(int names, int opId, int updatedBy, int data) => data + names + (2 * opId) + (6 * updatedBy) + 256;

    /// <summary>The columns of a change under the alias <c>c</c>.</summary>
    public const string ChangeColumns =
        "c.seq, c.entity, c.record_id, c.rev, c.kind, c.op_id, c.principal, c.device, c.n, c.at, c.tag, c.patch, c.sent, c.before";

    /// <summary>A record; a purged tombstone has no place in the feed any more and reads as seq 0.</summary>
    public static SyncRecord Record(NpgsqlDataReader reader, int at) => new()
    {
        Key = new RecordKey(reader.GetString(at), reader.GetString(at + 1)),
        Rev = reader.GetInt64(at + 2),
        Seq = reader.Number(at + 3) ?? 0,
        Deleted = reader.GetBoolean(at + 4),
        Data = reader.IsDBNull(at + 5) ? null : new RecordData(reader.GetFieldValue<byte[]>(at + 5)),
        UpdatedAt = reader.GetFieldValue<DateTimeOffset>(at + 6),
        UpdatedBy = reader.GetString(at + 7),
        OpId = reader.GetString(at + 8),
    };

    /// <summary>An entry of the log.</summary>
    public static Change Change(NpgsqlDataReader reader, int at) => new()
    {
        Seq = reader.GetInt64(at),
        Key = new RecordKey(reader.GetString(at + 1), reader.GetString(at + 2)),
        Rev = reader.GetInt64(at + 3),
        Kind = (OpKind)reader.GetInt16(at + 4),
        OpId = reader.GetString(at + 5),
        Principal = reader.GetString(at + 6),
        Device = reader.GetString(at + 7),
        N = reader.Number(at + 8),
        At = reader.GetFieldValue<DateTimeOffset>(at + 9),
        Tag = reader.GetInt64(at + 10),
        Patch = reader.Object(at + 11),
        Sent = reader.Object(at + 12),
        Before = reader.Object(at + 13),
    };

    /// <summary>An accepted op of the principal that changed nothing.</summary>
    public static Change Unchanged(NpgsqlDataReader reader, string principal) => new()
    {
        IsUnchanged = true,
        Seq = 0,
        Key = new RecordKey(reader.GetString(0), reader.GetString(1)),
        Rev = reader.GetInt64(2),
        Kind = OpKind.Update,
        OpId = reader.GetString(3),
        Principal = principal,
        Device = reader.GetString(4),
        N = reader.Number(5),
        At = reader.GetFieldValue<DateTimeOffset>(6),
        Tag = 0,
        Patch = null,
        Sent = reader.Object(7),
        Before = null,
    };

    /// <summary>An entry of a record's history: of the log, or with seq 0 an op that changed nothing, and how it was merged.</summary>
    public static Change HistoryEntry(NpgsqlDataReader reader, int at) => Change(reader, at) is var entry && entry.Seq > 0
        ? entry
        : entry with
        {
            IsUnchanged = true,
            Merge = reader.IsDBNull(at + 14) ? null : JsonParser.ParseStored<JsonArray>(reader.GetFieldValue<byte[]>(at + 14)),
        };

    /// <summary>A nullable text column.</summary>
    public static string? Text(this NpgsqlDataReader reader, int at) => reader.IsDBNull(at) ? null : reader.GetString(at);

    /// <summary>A nullable bigint column.</summary>
    public static long? Number(this NpgsqlDataReader reader, int at) => reader.IsDBNull(at) ? null : reader.GetInt64(at);

    private static JsonObject? Object(this NpgsqlDataReader reader, int at) =>
        reader.IsDBNull(at) ? null : JsonParser.ParseStored(reader.GetFieldValue<byte[]>(at));
}
