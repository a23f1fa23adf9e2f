using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;

namespace SyncServer.Storage;

/// <summary>
/// Keeps the unique keys of every space those of the definitions that this server has. A space says in its own row whose keys
/// it holds; where that is another file's, they are brought to order under the space's lock, and so before anything is decided
/// by them. Any number of servers may do so at once, and a server with an older file beside this one costs time, never a key.
/// </summary>
internal sealed class UniqueRegister(NpgsqlDataSource source, EntityDefinitions definitions, ILogger<UniqueRegister> logger)
{
    // Large enough that round trips do not count, small enough that the keys of a page are a matter of kilobytes.
    private const int RecordsPerPage = 500;

    // Ids only; every space on the page is a transaction of its own.
    private const int SpacesPerPage = 1_000;

    private const string Spaces = """
        SELECT space_id FROM spaces WHERE space_id > $1 AND unique_rules IS DISTINCT FROM $2 ORDER BY space_id LIMIT $3
        """;

    private const string Lock = "SELECT unique_rules FROM spaces WHERE space_id = $1 FOR UPDATE";

    // A rule of a large space leaves one key for each record; so many are deleted well within any timeout.
    private const int VanishedPerPage = 10_000;

    private const string Vanished = """
        DELETE FROM unique_keys u
        USING (
            SELECT entity, rule, hash, duplicate FROM unique_keys
            WHERE space_id = $1 AND NOT (entity || ' ' || rule) = ANY ($2)
            ORDER BY entity, rule, hash, duplicate LIMIT $3) AS v
        WHERE u.space_id = $1 AND u.entity = v.entity AND u.rule = v.rule AND u.hash = v.hash AND u.duplicate = v.duplicate
        """;

    // A page finds few records of declared entities among many of others; what waits for it is only that space.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private const string Timeout = "SELECT current_setting('statement_timeout')";

    private const string SetTimeout = "SELECT set_config('statement_timeout', $1, true)";

    private const string Records = """
        SELECT seq, entity, record_id, data FROM records
        WHERE space_id = $1 AND seq > $2 AND NOT deleted AND entity = ANY ($3)
        ORDER BY seq LIMIT $4
        """;

    // With $7 false the first record by seq takes what nobody holds; with true those whose values are held by another get a row
    // too, beside the one that the primary key lets nobody share. What a record holds already stays, so a repeat adds nothing.
    private const string Keys = """
        INSERT INTO unique_keys (space_id, entity, rule, hash, duplicate, record_id)
        SELECT $1, k.entity, k.rule, k.hash, CASE WHEN $7 THEN k.seq ELSE 0 END, k.record_id
        FROM unnest($2, $3, $4, $5, $6) AS k(seq, entity, record_id, rule, hash)
        WHERE NOT EXISTS (
            SELECT FROM unique_keys u
            WHERE u.space_id = $1 AND u.entity = k.entity AND u.rule = k.rule AND u.hash = k.hash AND u.record_id = k.record_id)
        ORDER BY k.seq
        ON CONFLICT (space_id, entity, rule, hash, duplicate) DO NOTHING
        """;

    private const string Stamp = "UPDATE spaces SET unique_rules = $2 WHERE space_id = $1";

    private readonly string[] _entities = [.. definitions.All.Where(definition => definition.Unique.Count > 0).Select(definition => definition.Name)];

    /// <summary>Whether keys with this mark are those of the definitions.</summary>
    public bool Knows(string? mark) => mark == definitions.UniqueRules;

    /// <summary>The mark of the definitions' keys, as a parameter. A space without records has all of them, and so this mark from the start.</summary>
    public NpgsqlParameter Mark() => new() { Value = (object?)definitions.UniqueRules ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    /// <summary>
    /// Brings every space to order, each in a transaction of its own. One that somebody else holds for longer than the lock
    /// timeout, or that takes too long, is left to whoever writes to it next.
    /// </summary>
    public async Task CatchUpAsync(CancellationToken cancel)
    {
        var last = Guid.Empty;
        List<Guid> page;
        do
        {
            page = await PageAsync(last, cancel);
            foreach (var space in page)
            {
                last = space;
                await CatchUpAsync(space, cancel);
            }
        }
        while (page.Count == SpacesPerPage);
    }

    /// <summary>
    /// Brings one space to order in the transaction that holds its lock, whose statement timeout is what it was afterwards.
    /// Memory is bounded by a page of keys and one record.
    /// </summary>
    public async Task CatchUpAsync(NpgsqlConnection connection, Guid space, CancellationToken cancel)
    {
        string[] declared = [.. definitions.All.SelectMany(definition => definition.Unique.Select(rule => $"{definition.Name} {rule.Name}"))];
        var timeout = await TextAsync(connection, Timeout, [], cancel);
        await TextAsync(connection, SetTimeout, [$"{(long)Patience.TotalMilliseconds}"], cancel);
        while (await ExecuteAsync(connection, Vanished, [space, declared, VanishedPerPage], cancel) == VanishedPerPage)
        {
            // The next page.
        }

        var (seq, shared, more) = (0L, 0L, _entities.Length > 0);
        while (more)
        {
            var (keys, read, last) = await ReadAsync(connection, (space, seq), cancel);
            (seq, more) = (last, read == RecordsPerPage);
            if (keys.Count > 0)
            {
                await AddAsync(connection, (space, keys), duplicates: false, cancel);
                shared += await AddAsync(connection, (space, keys), duplicates: true, cancel);
            }
        }

        await ExecuteAsync(connection, Stamp, [space, Mark()], cancel);
        await TextAsync(connection, SetTimeout, [timeout], cancel);
        if (shared > 0)
        {
            Log.UniqueValuesShared(logger, space, shared);
        }
    }

    private async Task<List<Guid>> PageAsync(Guid after, CancellationToken cancel)
    {
        await using var command = source.CreateCommand();
        Fill(command, Spaces, [after, Mark(), SpacesPerPage]);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var page = new List<Guid>();
        while (await reader.ReadAsync(cancel))
        {
            page.Add(reader.GetGuid(0));
        }

        return page;
    }

    private async Task CatchUpAsync(Guid space, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        try
        {
            if (await IsBehindAsync(connection, space, cancel))
            {
                await CatchUpAsync(connection, space, cancel);
            }

            await transaction.CommitAsync(cancel);
        }
        catch (PostgresException left) when (left.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled)
        {
            Log.UniqueKeysLeft(logger, space, left.SqlState);
        }
    }

    /// <summary>Locks the space; false too where it was erased, or another server was faster.</summary>
    private async Task<bool> IsBehindAsync(NpgsqlConnection connection, Guid space, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand { Connection = connection };
        Fill(command, Lock, [space]);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) && !Knows(reader.Text(0));
    }

    private async Task<(List<Held> Keys, int Read, long Last)> ReadAsync(NpgsqlConnection connection, (Guid Space, long Seq) after, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand { Connection = connection };
        Fill(command, Records, [after.Space, after.Seq, _entities, RecordsPerPage]);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var keys = new List<Held>();
        var (read, seq) = (0, after.Seq);
        for (; await reader.ReadAsync(cancel); read++)
        {
            seq = reader.GetInt64(0);
            var (entity, id) = (reader.GetString(1), reader.GetString(2));
            var data = JsonParser.ParseStored(reader.GetFieldValue<byte[]>(3));
            keys.AddRange(definitions.For(entity).UniqueKeys(data).Select(key => new Held(seq, entity, id, key.Rule.Name, key.Hash)));
        }

        return (keys, read, seq);
    }

    private readonly record struct Held(long Seq, string Entity, string RecordId, string Rule, string Hash);

    private static Task<int> AddAsync(NpgsqlConnection connection, (Guid Space, List<Held> Keys) held, bool duplicates, CancellationToken cancel) =>
        ExecuteAsync(connection, Keys,
            [held.Space, held.Keys.ConvertAll(key => key.Seq), held.Keys.ConvertAll(key => key.Entity), held.Keys.ConvertAll(key => key.RecordId),
                held.Keys.ConvertAll(key => key.Rule), held.Keys.ConvertAll(key => key.Hash), duplicates], cancel);

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, object[] values, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand { Connection = connection };
        Fill(command, sql, values);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task<string> TextAsync(NpgsqlConnection connection, string sql, object[] values, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand { Connection = connection };
        Fill(command, sql, values);
        return (string)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static void Fill(NpgsqlCommand command, string sql, object[] values)
    {
        command.CommandText = sql;
        command.CommandTimeout = (int)Patience.TotalSeconds;
        foreach (var value in values)
        {
            command.Parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        }
    }
}
