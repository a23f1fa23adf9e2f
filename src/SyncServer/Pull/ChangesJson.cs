using System.Buffers;
using Npgsql;
using SyncServer.Core.Records;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>The changes of a page as the bytes of a JSON array; the envelopes are those of <see cref="SyncRecord.WriteTo"/>, byte for byte.</summary>
internal sealed class ChangesJson : IDisposable
{
    private static readonly byte[] NoChanges = "[]"u8.ToArray();

    // Rented for the first change: most pulls are idle and need none.
    private RowJson? _json;

    /// <summary>Changes in the array.</summary>
    public int Count { get; private set; }

    /// <summary>The sum of <see cref="SpaceRows.EnvelopeSize"/> over the changes, as the database adds it up.</summary>
    public long Size { get; private set; }

    /// <summary>The array, brackets included; valid until this is disposed.</summary>
    public ReadOnlyMemory<byte> Json => _json?.Written ?? NoChanges;

    /// <summary>
    /// Adds the first <paramref name="length"/> changes of a row whose <see cref="ChangeArrays"/> begin at column <paramref name="at"/>.
    /// False, and nothing is left, where data was left out or all are larger than <paramref name="bytesMax"/> together.
    /// </summary>
    public bool TryRead(NpgsqlDataReader row, int at, int length, long bytesMax)
    {
        if (length == 0)
        {
            return true;
        }

        Span<int> ends = stackalloc int[ChangeArrays.Count];
        var sent = ChangeArrays.Rent(row, at, ends);
        var isWhole = TryRead(new ChangeArrays(sent, ends), length, bytesMax);
        ArrayPool<byte>.Shared.Return(sent);
        return isWhole;
    }

    /// <summary>The same from arrays that are there.</summary>
    public bool TryRead(ChangeArrays changes, int length, long bytesMax)
    {
        _json?.Back(1);
        var json = _json ??= new RowJson();
        for (var end = Count + length; Count < end; Count++)
        {
            json.Raw(Count == 0 ? "["u8 : ","u8);
            if (!TryAdd(json, ref changes) || Size > bytesMax)
            {
                Dispose();
                return false;
            }
        }

        json.Raw("]"u8);
        return true;
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        _json?.Dispose();
        _json = null;
    }

    private bool TryAdd(RowJson json, ref ChangeArrays changes)
    {
        json.Raw("""{"entity":"""u8);
        var names = json.Text(changes.Entities.Next());
        json.Raw(""","id":"""u8);
        names += json.Text(changes.Ids.Next());
        json.Raw(""","rev":"""u8);
        var rev = changes.Revs.NextNumber();
        json.Number(Math.Abs(rev));
        json.Raw(rev < 0 ? ""","deleted":true,"updatedAtServer":"""u8 : ""","deleted":false,"updatedAtServer":"""u8);
        json.Time(changes.Times.NextTime());
        json.Raw(""","updatedBy":"""u8);
        var by = json.Text(changes.Principals.Next());
        json.Raw(""","opId":"""u8);
        var opId = json.Text(changes.Ops.Next());
        // A live record always has data.
        if (changes.Data.TryNext(out var data))
        {
            json.Raw(""","data":"""u8);
            json.Raw(data);
        }
        else if (rev > 0)
        {
            return false;
        }

        json.Raw("}"u8);
        Size += SpaceRows.EnvelopeBytes(names, opId, by, data.Length);
        return true;
    }
}
