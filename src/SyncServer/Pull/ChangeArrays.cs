using System.Buffers;
using Npgsql;

namespace SyncServer.Pull;

/// <summary>
/// The changes of a page as they come from the database: each of their columns as an array, all of them in one row. So neither side has
/// a message, nor Npgsql a look at a column, for each change.
/// </summary>
internal ref struct ChangeArrays
{
    /// <summary>
    /// What <see cref="Aggregates"/> make arrays of, less the data: null for a tombstone, whose data for a restore stays where it is, and for a
    /// live record where it is left out. The revision of a tombstone is negative.
    /// </summary>
    public const string Columns = "entity, record_id, CASE WHEN deleted THEN -rev ELSE rev END AS rev, updated_at, updated_by, op_id";

    /// <summary>Makes the arrays, of columns that come in the order of the changes.</summary>
    public const string Aggregates = """
        array_agg(entity) AS entities, array_agg(record_id) AS ids, array_agg(rev) AS revs, array_agg(updated_at) AS times,
            array_agg(updated_by) AS principals, array_agg(op_id) AS ops, array_agg(data) AS data
        """;

    /// <summary>The arrays in the order in which they are read here; all are null where there is no change.</summary>
    public const string Names = "entities, ids, revs, times, principals, ops, data";

    /// <summary>Changes of a row at most. Larger arrays cost PostgreSQL more for each change than further rows do, which was measured with a thousand.</summary>
    public const int Most = 128;

    /// <summary>Arrays among the columns of a row.</summary>
    public const int Count = 7;

    public WireArray Entities, Ids, Revs, Times, Principals, Ops, Data;

    /// <summary>The arrays that stand one behind the other in <paramref name="sent"/>, each up to its place in <paramref name="ends"/>.</summary>
    public ChangeArrays(ReadOnlySpan<byte> sent, ReadOnlySpan<int> ends)
    {
        Entities = new WireArray(sent[..ends[0]]);
        Ids = new WireArray(sent[ends[0]..ends[1]]);
        Revs = new WireArray(sent[ends[1]..ends[2]]);
        Times = new WireArray(sent[ends[2]..ends[3]]);
        Principals = new WireArray(sent[ends[3]..ends[4]]);
        Ops = new WireArray(sent[ends[4]..ends[5]]);
        Data = new WireArray(sent[ends[5]..ends[6]]);
    }

    /// <summary>Copies the arrays of a row, which begin at column <paramref name="at"/>, into a rented buffer.</summary>
    public static byte[] Rent(NpgsqlDataReader row, int at, Span<int> ends)
    {
        var bytes = 0;
        for (var array = 0; array < Count; array++)
        {
            bytes += (int)row.GetBytes(at + array, 0, null, 0, 0);
            ends[array] = bytes;
        }

        var sent = ArrayPool<byte>.Shared.Rent(bytes);
        for (var (array, start) = (0, 0); array < Count; start = ends[array++])
        {
            row.GetBytes(at + array, 0, sent, start, ends[array] - start);
        }

        return sent;
    }
}
