using Npgsql;
using SyncServer.Core.Records;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>The changes of a page as the bytes of a JSON array; the envelopes are those of <see cref="SyncRecord.WriteTo"/>, byte for byte.</summary>
internal sealed class ChangesJson : IDisposable
{
    /// <summary>The columns that <see cref="Add"/> reads, less the data.</summary>
    public const string Envelope = "entity, record_id, rev, deleted, updated_at, updated_by, op_id";

    /// <summary>All of them: what a tombstone keeps for a restore stays where it is.</summary>
    public const string Columns = $"{Envelope}, CASE WHEN NOT deleted THEN data END AS data";

    private static readonly byte[] NoChanges = "[]"u8.ToArray();

    // Rented for the first change: most pulls are idle and need none.
    private RowJson? _json;

    /// <summary>Changes in the array.</summary>
    public int Count { get; private set; }

    /// <summary>The sum of <see cref="SpaceRows.EnvelopeSize"/> over the changes, as the database adds it up.</summary>
    public long Size { get; private set; }

    /// <summary>The array, brackets included; valid until this is disposed, and whole once <see cref="End"/> was called.</summary>
    public ReadOnlyMemory<byte> Json => _json?.Written ?? NoChanges;

    /// <summary>Adds the envelope of a row whose <see cref="Columns"/> begin at <paramref name="at"/>.</summary>
    public void Add(NpgsqlDataReader row, int at)
    {
        var json = _json ??= new RowJson();
        json.Raw(Count++ == 0 ? """[{"entity":"""u8 : """,{"entity":"""u8);
        var names = json.Text(row, at);
        json.Raw(""","id":"""u8);
        names += json.Text(row, at + 1);
        json.Raw(""","rev":"""u8);
        json.Number(row.GetInt64(at + 2));
        json.Raw(row.GetBoolean(at + 3) ? ""","deleted":true,"updatedAtServer":"""u8 : ""","deleted":false,"updatedAtServer":"""u8);
        json.Time(row.GetDateTime(at + 4));
        json.Raw(""","updatedBy":"""u8);
        var by = json.Text(row, at + 5);
        json.Raw(""","opId":"""u8);
        var opId = json.Text(row, at + 6);
        var data = 0;
        if (!row.IsDBNull(at + 7))
        {
            json.Raw(""","data":"""u8);
            data = json.Raw(row, at + 7);
        }

        json.Raw("}"u8);
        Size += SpaceRows.EnvelopeBytes(names, opId, by, data);
    }

    /// <summary>Closes the array; nothing may be added afterwards.</summary>
    public void End() => _json?.Raw("]"u8);

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        _json?.Dispose();
        _json = null;
    }
}
