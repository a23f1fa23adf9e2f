using System.Buffers.Binary;
using System.Text;
using Npgsql;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Pull;
using SyncServer.Storage;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Pull;

/// <summary>A page is read from the arrays that the database sends as the envelopes that its records have anywhere else.</summary>
public sealed class ChangeArraysTests
{
    private static readonly SyncRecord[] Records =
    [
        Record("note", "plain", 1, "alice", "op-1", """{"a":1}"""),
        Record("$conflict", "é\"\\/\u0001", long.MaxValue, "Grüße+<&>'", "日本\u2028\uD83D\uDE00", """{"t":"ä\"\\\n\u0001","n":-0.10e1,"l":[1,[]]}"""),
        Record("note", "gone", 7, "", "", null),
        Record("note", "empty", 2, "bob", "\t\n", "{}"),
    ];

    [Fact]
    public void Changes_have_the_bytes_of_their_envelopes()
    {
        var envelopes = Records.Select(record => Encoding.UTF8.GetString(JsonText.Write(record.WriteTo).Span)).ToArray();
        for (var length = 1; length <= Records.Length; length++)
        {
            using var changes = new ChangesJson();
            Assert.True(changes.TryRead(Arrays(Records), length, long.MaxValue));
            Assert.Equal($"[{string.Join(',', envelopes[..length])}]", Encoding.UTF8.GetString(changes.Json.Span));
            Assert.Equal((length, Records[..length].Sum(Size)), (changes.Count, changes.Size));
        }
    }

    [Fact]
    public void A_page_with_a_change_whose_data_was_left_out_or_that_is_too_large_is_none()
    {
        SyncRecord[] records = [.. Records, Records[0] with { Data = null }];
        Assert.Equal((true, true), Read(Records.Length, long.MaxValue));
        Assert.Equal((false, false), Read(records.Length, long.MaxValue));
        Assert.Equal((true, true), Read(Records.Length, Records.Sum(Size)));
        Assert.Equal((false, false), Read(Records.Length, Records.Sum(Size) - 1));

        (bool IsWhole, bool HasChanges) Read(int length, long bytesMax)
        {
            using var changes = new ChangesJson();
            return (changes.TryRead(Arrays(records), length, bytesMax), changes.Json.Length > 2);
        }
    }

    [Fact]
    public void What_is_no_array_of_one_dimension_or_has_a_null_where_none_can_be_is_refused()
    {
        Assert.Throws<InvalidOperationException>(() => new WireArray(new byte[20]));
        Assert.Throws<InvalidOperationException>(() => new WireArray(Wire([null])).Next().Length);
        Assert.ThrowsAny<ArgumentException>(() => new WireArray(Wire(["cut"u8.ToArray()]).AsSpan()[..^1]).Next().Length);
    }

    [Theory]
    [InlineData("ARRAY['', 'é', NULL, repeat('x', 70000)]", "0 2 - 70000")]
    [InlineData("ARRAY['{\"a\": 1}'::json, NULL]", "8 -")]
    [InlineData("ARRAY[1::bigint, -2, NULL, 3]", "1 -2 - 3")]
    [InlineData("ARRAY['2026-11-20T10:15:00.123Z'::timestamptz, '0001-01-01T00:00:00Z']", "2026-11-20T10:15:00.123Z 0001-01-01T00:00:00.000Z")]
    public async Task Arrays_are_read_as_the_database_sends_them(string array, string elements)
    {
        _ = TestServers.A;
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand($"SELECT {array}");
        await using var row = await command.ExecuteReaderAsync();
        await row.ReadAsync();
        var sent = new byte[row.GetBytes(0, 0, null, 0, 0)];
        row.GetBytes(0, 0, sent, 0, sent.Length);
        Assert.Equal(elements, string.Join(' ', elements.Split(' ').Select((element, place) => Said(element, place))));

        string Said(string element, int place)
        {
            var read = new WireArray(sent);
            for (; place > 0; place--)
            {
                read.TryNext(out _);
            }

            return array.Contains("bigint", StringComparison.Ordinal) ? read.NextNumberOrNull()?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"
                : array.Contains("timestamptz", StringComparison.Ordinal) ? Timestamp.Format(new DateTimeOffset(read.NextTime()))
                : read.TryNext(out var bytes) ? $"{bytes.Length}" : "-";
        }
    }

    private static SyncRecord Record(string entity, string id, long rev, string by, string opId, string? data) => new()
    {
        Key = new RecordKey(entity, id),
        Rev = rev,
        Seq = 1,
        Deleted = data is null,
        Data = data is null ? null : new RecordData(Encoding.UTF8.GetBytes(data)),
        UpdatedAt = new DateTimeOffset(2026, 11, 20, 10, 15, 0, 123, TimeSpan.Zero),
        UpdatedBy = by,
        OpId = opId,
    };

    private static long Size(SyncRecord record) => SpaceRows.EnvelopeBytes(
        Utf8(record.Key.Entity).Length + Utf8(record.Key.Id).Length, Utf8(record.OpId).Length, Utf8(record.UpdatedBy).Length, record.Data?.Utf8.Length ?? 0);

    private static ChangeArrays Arrays(SyncRecord[] records)
    {
        byte[][] arrays =
        [
            Wire(records.Select(record => Utf8(record.Key.Entity))),
            Wire(records.Select(record => Utf8(record.Key.Id))),
            Wire(records.Select(record => Number(record.Deleted ? -record.Rev : record.Rev))),
            Wire(records.Select(record => Number((record.UpdatedAt - new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero)).Ticks / TimeSpan.TicksPerMicrosecond))),
            Wire(records.Select(record => Utf8(record.UpdatedBy))),
            Wire(records.Select(record => Utf8(record.OpId))),
            Wire(records.Select(record => record.Data?.Utf8.ToArray())),
        ];
        var end = 0;
        return new ChangeArrays(arrays.SelectMany(array => array).ToArray(), arrays.Select(array => end += array.Length).ToArray());
    }

    /// <summary>What PostgreSQL's <c>array_send</c> makes of the elements.</summary>
    private static byte[] Wire(IEnumerable<byte[]?> elements)
    {
        var all = elements.ToArray();
        return [.. Int(1), .. Int(all.Contains(null) ? 1 : 0), .. Int(25), .. Int(all.Length), .. Int(1),
            .. all.SelectMany(element => element is null ? Int(-1) : [.. Int(element.Length), .. element])];
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Int(int number)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }

    private static byte[] Number(long number)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        return bytes;
    }
}
