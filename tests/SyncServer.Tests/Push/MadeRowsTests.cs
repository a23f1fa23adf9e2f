using System.Globalization;
using System.Text;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Storage;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Push;

/// <summary>A push of nothing but creates is written by a statement of its own; what it leaves is what any other push leaves.</summary>
public sealed class MadeRowsTests
{
    private const string Data = """{"title":"Größe \"1\"","tags":["a"],"deep":{"n":1.50}}""";

    // Everything but what differs between any two creates.
    private const string Rows = """
        SELECT concat_ws(' ', to_jsonb(r) - '{record_id,seq,op_id,updated_at}'::text[], r.data, r.op_id = c.op_id, r.seq = c.seq, r.updated_at = c.at,
            to_jsonb(c) - '{record_id,seq,op_id,at,tag}'::text[], c.patch, c.tag <> 0,
            to_jsonb(o) - '{op_id,fingerprint,location,body,decided_at}'::text[], length(o.fingerprint), length(o.location), o.body IS NOT NULL, o.decided_at = c.at)
        FROM records r
        JOIN changes c ON c.space_id = r.space_id AND c.entity = r.entity AND c.record_id = r.record_id
        JOIN outcomes o ON o.space_id = r.space_id AND o.op_id = r.op_id
        WHERE r.space_id = (SELECT space_id FROM accounts WHERE principal = $1) AND r.record_id = $2
        """;

    [Theory]
    [InlineData(null)]
    [InlineData(7L)]
    public async Task A_create_leaves_the_same_rows_alone_and_beside_other_ops(long? n)
    {
        var (phone, other, one, two) = (New(), NewId(), NewId(), NewId());
        await phone.PushAsync(Op("create", other, 0, "{}"));
        string Create(string id) => Op("create", id, 0, Data, n);

        Assert.Equal("201", BatchStatuses(await phone.BatchAsync([Create(one)])));
        Assert.Equal("201,200", BatchStatuses(await phone.BatchAsync([Create(two), Op("update", other, 1, """{"title":"b"}""")])));
        var (alone, beside) = (await RowsAsync(phone, one), await RowsAsync(phone, two));
        Assert.Equal(beside, alone);
        Assert.Contains("Größe", alone, StringComparison.Ordinal);
    }

    [Fact]
    public async Task So_does_one_by_the_records_own_route_and_one_that_is_too_large_for_the_statement()
    {
        var (phone, one, two) = (New(), NewId(), NewId());
        Assert.Equal(201, (await phone.PutAsync(one, Data, RecordRequests.New)).Status);
        string[] batch = [Op("create", two, 0, Data), .. Enumerable.Range(0, 20).Select(_ => Op("create", NewId(), 0, $$"""{"body":"{{new string('x', 50_000)}}"}"""))];
        Assert.Equal(string.Join(',', Enumerable.Repeat("201", batch.Length)), BatchStatuses(await phone.BatchAsync(batch)));
        Assert.Equal(await RowsAsync(phone, two), await RowsAsync(phone, one));
    }

    [Fact]
    public void The_statement_takes_a_megabyte_of_data_and_answers_and_leaves_the_rest()
    {
        // Two hundred kilobytes and a little each: the data is in the answer too.
        var (plans, small) = (Enumerable.Range(0, 7).Select(_ => Plan(100_000)).ToList(), Plan(1));
        var (made, others) = MadeRows.Of([.. plans, small]);
        Assert.Equal([.. plans.Take(5), small], made.Select(row => row.Plan));
        Assert.Equal(plans.Skip(5), others);
    }

    private static SpacePlan Plan(int size)
    {
        var (op, opId, _) = OpParser.Parse(JsonParser.ParseStored(Encoding.UTF8.GetBytes(Op("create", NewId(), 0, $$"""{"a":"{{new string('x', size)}}"}"""))), null, null);
        var plan = new SpacePlan(Guid.NewGuid(), head: 0, DateTimeOffset.UnixEpoch, new Entropy(seed: 1));
        PushPlan.Run(
            plan,
            new PushContext
            {
                Principal = "alice",
                Device = "phone",
                Epoch = "epoch",
                ClientEpoch = null,
                SpacePath = "/v1/spaces/me",
                TraceId = "trace",
                Limits = new Limits(),
                Definitions = EntityDefinitions.None,
                Rules = [],
            },
            [new PushItem(op, opId, null)]);
        return plan;
    }

    private static string BatchStatuses(Answer answer) => string.Join(',', answer.Body["results"]!.AsArray().Select(result => result!["status"]!.ToString()));

    private static async Task<string> RowsAsync(Device device, string id)
    {
        await using var connection = new NpgsqlConnection(TestServers.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(Rows, connection) { Parameters = { new() { Value = device.Principal }, new() { Value = id } } };
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }
}
