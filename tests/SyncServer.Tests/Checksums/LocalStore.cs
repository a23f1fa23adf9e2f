using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Checksums;

/// <summary>
/// What a client keeps and computes (protocol 5), written down again from the words of the protocol, on integers of any size.
/// </summary>
internal sealed class LocalStore
{
    private readonly SortedDictionary<(string Entity, string Id), long> _live = [];

    /// <summary>The store of a device that has pulled everything.</summary>
    public static async Task<LocalStore> OfAsync(Device device)
    {
        var store = new LocalStore();
        foreach (var change in (await device.PullAllAsync()).Changes)
        {
            store.Take(change);
        }

        return store;
    }

    /// <summary>The ids of an entity and their revisions.</summary>
    public IEnumerable<(string Id, long Rev)> Of(string entity) =>
        _live.Where(record => record.Key.Entity == entity).Select(record => (record.Key.Id, record.Value)).OrderBy(record => record.Id, StringComparer.Ordinal);

    /// <summary>The member <c>entities</c> of an answer about all entities.</summary>
    public string Entities() => Written(_live.Keys.Select(key => key.Entity).Distinct(), entity => Sum(entity, Of(entity)));

    /// <summary>The same of some entities, with their buckets.</summary>
    public string Entities(params string[] entities) => Written(entities, entity =>
        $$"""{{Sum(entity, Of(entity))}},"buckets":{{Written(Of(entity).Select(record => Bucket(record.Id)).Distinct(), bucket => Sum(entity, In(entity, bucket)))}}""");

    /// <summary>The records of an entity in a bucket.</summary>
    public IEnumerable<(string Id, long Rev)> In(string entity, string bucket) => Of(entity).Where(record => Bucket(record.Id) == bucket);

    /// <summary>The first byte of SHA-256 of an id.</summary>
    public static string Bucket(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..2];

    /// <summary><c>count</c> and <c>sum</c> of some records of an entity.</summary>
    public static string Sum(string entity, IEnumerable<(string Id, long Rev)> records)
    {
        var (count, sum) = (0, BigInteger.Zero);
        foreach (var (id, rev) in records)
        {
            count++;
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{entity}/{id}:{rev}")));
            sum += new BigInteger(hash.AsSpan(0, 8), isUnsigned: true, isBigEndian: true);
        }

        return $"\"count\":{count},\"sum\":\"{(ulong)(sum % (BigInteger.One << 64)):x16}\"";
    }

    /// <summary>What the records of a space add up to in the database, in the form of <see cref="Entities()"/>.</summary>
    public static async Task<string> RecomputedAsync(Guid space)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("""
            SELECT entity, count(*), mod(sum(('x' || encode(substring(digest FROM 1 FOR 4), 'hex'))::bit(32)::bigint::numeric * 4294967296
                + ('x' || encode(substring(digest FROM 5 FOR 4), 'hex'))::bit(32)::bigint), 18446744073709551616)
            FROM (SELECT entity, sha256(convert_to(format('%s/%s:%s', entity, record_id, rev), 'UTF8')) AS digest
                FROM records WHERE space_id = $1 AND NOT deleted) AS live
            GROUP BY entity ORDER BY entity
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = space });
        await using var reader = await command.ExecuteReaderAsync();
        var entities = new List<string>();
        while (await reader.ReadAsync())
        {
            entities.Add($$"""{{reader.GetString(0)}}":{"count":{{reader.GetInt64(1)}},"sum":"{{(ulong)reader.GetDecimal(2):x16}}"}""");
        }

        return $"{{{string.Join(',', entities.Select(entity => '"' + entity))}}}";
    }

    private void Take(JsonNode change)
    {
        var key = (change["entity"]!.ToString(), change["id"]!.ToString());
        if ((bool)change["deleted"]!)
        {
            _live.Remove(key);
        }
        else
        {
            _live[key] = (long)change["rev"]!;
        }
    }

    private static string Written(IEnumerable<string> names, Func<string, string> members) =>
        $"{{{string.Join(',', names.Order(StringComparer.Ordinal).Select(name => $"\"{name}\":{{{members(name)}}}"))}}}";
}
