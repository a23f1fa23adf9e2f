using System.Runtime.CompilerServices;
using Npgsql;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;

namespace SyncServer.Entities;

/// <summary>A live record that breaks a rule of a definition, and where in its data.</summary>
internal sealed record BrokenRule(Guid Space, string Entity, string RecordId, string Pointer, string Detail);

/// <summary>
/// Holds the live records of a database against definitions. Each page is a statement of its own, so records that are
/// written meanwhile are seen before or after; memory is bounded by a page of keys and a single record's data.
/// </summary>
internal sealed class RecordCheck(NpgsqlDataSource source, EntityDefinitions definitions)
{
    // Large enough that round trips do not count, small enough that the keys of a page are a matter of kilobytes.
    private const int PageSize = 500;

    private const string Page = """
        SELECT space_id, entity, record_id, data, seq FROM records
        WHERE (space_id, entity, record_id) > ($1, $2, $3) AND NOT deleted AND entity = ANY ($4)
        ORDER BY space_id, entity, record_id LIMIT $5
        """;

    // A space may hold more keys than memory does; PostgreSQL sorts them on disk.
    private const string KeyTable = """
        CREATE TEMP TABLE checked_keys (space_id uuid, entity text COLLATE "C", rule text COLLATE "C", hash text COLLATE "C", record_id text COLLATE "C", seq bigint)
        """;

    // Whoever reads the findings may take time over them, and the last statement sorts the keys of everybody.
    private const string NoTimeout = "SET statement_timeout = 0";

    private const string KeepKeys = "INSERT INTO checked_keys SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])";

    private const string Duplicates = """
        SELECT space_id, entity, rule, record_id, first FROM (
            SELECT *, first_value(record_id) OVER (PARTITION BY space_id, entity, rule, hash ORDER BY seq) AS first
            FROM checked_keys) AS keyed
        WHERE record_id <> first ORDER BY space_id, entity, rule, first, record_id
        """;

    private readonly string[] _entities = [.. definitions.All.Select(definition => definition.Name)];

    /// <summary>Live records of declared entities that were read so far.</summary>
    public long Records { get; private set; }

    /// <summary>Every rule that a record breaks, record by record, and then the unique keys that records share.</summary>
    public async IAsyncEnumerable<BrokenRule> FindAsync([EnumeratorCancellation] CancellationToken cancel = default)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        // The session gets a table and a timeout of its own, so it ends here and is nobody else's.
        source.Clear();
        await ExecuteAsync(connection, NoTimeout, [], cancel);
        await ExecuteAsync(connection, KeyTable, [], cancel);
        var (space, entity, id) = (Guid.Empty, "", "");
        var more = _entities.Length > 0;
        while (more)
        {
            var keys = new List<RecordKeyRow>();
            var read = 0;
            await using (var command = Command(connection, Page, [space, entity, id, _entities, PageSize]))
            await using (var reader = await command.ExecuteReaderAsync(cancel))
            {
                while (await reader.ReadAsync(cancel))
                {
                    read++;
                    (space, entity, id) = (reader.GetGuid(0), reader.GetString(1), reader.GetString(2));
                    var seq = reader.GetInt64(4);
                    var data = JsonParser.ParseStored(reader.GetFieldValue<byte[]>(3));
                    var definition = definitions.For(entity);
                    keys.AddRange(definition.UniqueKeys(data).Select(key => new RecordKeyRow(space, entity, id, (key.Rule.Name, key.Hash), seq)));
                    foreach (var violation in definition.Violations(null, data))
                    {
                        yield return new BrokenRule(space, entity, id, violation.Pointer, violation.Detail);
                    }
                }
            }

            Records += read;
            more = read == PageSize;
            await KeepAsync(connection, keys, cancel);
        }

        await using var duplicates = Command(connection, Duplicates, []);
        await using var found = await duplicates.ExecuteReaderAsync(cancel);
        while (await found.ReadAsync(cancel))
        {
            yield return Duplicate(found);
        }
    }

    private sealed record RecordKeyRow(Guid Space, string Entity, string RecordId, (string Rule, string Hash) Key, long Seq);

    private BrokenRule Duplicate(NpgsqlDataReader row)
    {
        var entity = row.GetString(1);
        var name = row.GetString(2);
        var fields = definitions.For(entity).Unique.First(rule => rule.Name == name).Fields;
        return new BrokenRule(row.GetGuid(0), entity, row.GetString(3), fields[0],
            $"The record has the same {string.Join(", ", fields)} as '{row.GetString(4)}', and the definition says unique.");
    }

    private static async Task KeepAsync(NpgsqlConnection connection, List<RecordKeyRow> keys, CancellationToken cancel)
    {
        if (keys.Count > 0)
        {
            await ExecuteAsync(connection, KeepKeys,
                [keys.ConvertAll(key => key.Space), keys.ConvertAll(key => key.Entity), keys.ConvertAll(key => key.Key.Rule),
                    keys.ConvertAll(key => key.Key.Hash), keys.ConvertAll(key => key.RecordId), keys.ConvertAll(key => key.Seq)], cancel);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, object[] values, CancellationToken cancel)
    {
        await using var command = Command(connection, sql, values);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object[] values)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
