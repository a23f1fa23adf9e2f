using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace SyncServer.Storage;

/// <summary>The one row of <c>server</c>, and PostgreSQL's own marks beside it. Looks may overlap.</summary>
internal sealed class ServerTable(ILogger logger)
{
    /// <summary>Bytes of an epoch: 128 random bits do not repeat.</summary>
    private const int EpochBytes = 16;

    /// <summary>
    /// Seconds for one statement here. Each reads or writes one row, in a millisecond; a connection that takes this long is dead,
    /// and whoever opened it must not wait as long as for a large page.
    /// </summary>
    private const int Patience = 3;

    // pg_control_checkpoint() would give the timeline of the last checkpoint, which is the old one for a while after a promotion.
    private const string Timeline =
        "CASE WHEN pg_is_in_recovery() THEN NULL ELSE left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) END";

    private const string Flushed =
        "CASE WHEN pg_is_in_recovery() THEN NULL ELSE (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint END";

    private const string SystemIdentifier = "(SELECT system_identifier::text FROM pg_control_system())";

    // Parsed anew where the table is another one, prepared or not: the name stands for what it is now.
    private const string Table = "'server'::regclass::oid::bigint";

    private const string Replace = """
        UPDATE server
        SET epoch = $3, system_identifier = coalesce($4, system_identifier), timeline = coalesce($5, timeline),
            table_oid = coalesce($6, table_oid)
        WHERE id = $1 AND epoch = $2
        """;

    private volatile string? _sql;

    /// <summary>An epoch that never was.</summary>
    public static string NewEpoch() => RandomNumberGenerator.GetHexString(EpochBytes * 2, lowercase: true);

    /// <summary>The row and the marks, or null where there is no row.</summary>
    public async Task<Sighting?> ReadAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (_sql is { } told)
        {
            try
            {
                return await ReadAsync(connection, told, cancel);
            }
            catch (PostgresException refused) when (IsRefusal(refused))
            {
                // What was told before is refused now: asked anew below, mark by mark.
            }
        }

        var sql = await SqlAsync(connection, cancel);
        _sql = sql;
        return await ReadAsync(connection, sql, cancel);
    }

    /// <summary>The marks alone, for a row that is still to be made.</summary>
    public async Task<HistoryMarks> MarksAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var cluster = await ToldAsync(connection, SystemIdentifier, "system identifier", cancel);
        var timeline = await ToldAsync(connection, Timeline, "timeline", cancel);
        await using var command = Command(connection, $"SELECT {cluster}, {timeline}, {Table}");
        await using var reader = await command.ExecuteReaderAsync(cancel);
        await reader.ReadAsync(cancel);
        return new HistoryMarks(reader.Text(0), Number(reader.Text(1))) { Table = reader.GetInt64(2) };
    }

    /// <summary>
    /// Puts <paramref name="epoch"/> in the place of <paramref name="old"/>, with the marks that are known. False where the
    /// row has another epoch by now: of servers that notice a restore at once, one makes the new epoch.
    /// </summary>
    public static async Task<bool> ReplaceAsync(
        NpgsqlConnection connection, string old, string epoch, HistoryMarks marks, CancellationToken cancel = default)
    {
        await using var command = Command(connection, Replace);
        command.Parameters.Add(new NpgsqlParameter { Value = ServerRow.OnlyId });
        command.Parameters.Add(new NpgsqlParameter { Value = old });
        command.Parameters.Add(new NpgsqlParameter { Value = epoch });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = marks.SystemIdentifier });
        command.Parameters.Add(new NpgsqlParameter<int?> { TypedValue = marks.Timeline });
        command.Parameters.Add(new NpgsqlParameter<long?> { TypedValue = marks.Table });
        return await command.ExecuteNonQueryAsync(cancel) == 1;
    }

    private static async Task<Sighting?> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = Command(connection, sql);
        command.Parameters.Add(new NpgsqlParameter { Value = ServerRow.OnlyId });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        if (!await reader.ReadAsync(cancel))
        {
            return null;
        }

        var noted = new HistoryMarks(reader.Text(2), reader.IsDBNull(3) ? null : reader.GetInt32(3)) { Table = reader.Number(4) };
        var found = new HistoryMarks(reader.Text(5), Number(reader.Text(6))) { Table = reader.GetInt64(7) };
        return new Sighting(new History(reader.GetString(0), reader.GetFieldValue<byte[]>(1)), noted, found)
        {
            Flushed = reader.Number(8),
            InRecovery = reader.GetBoolean(9),
        };
    }

    private async Task<string> SqlAsync(NpgsqlConnection connection, CancellationToken cancel) =>
        $"""
        SELECT epoch, cursor_key, system_identifier, timeline, table_oid,
            {await ToldAsync(connection, SystemIdentifier, "system identifier", cancel)},
            {await ToldAsync(connection, Timeline, "timeline", cancel)},
            {Table},
            {await ToldAsync(connection, Flushed, "end of the log", cancel)},
            pg_is_in_recovery()
        FROM server WHERE id = $1
        """;

    // Anybody may call these functions unless somebody took the right away, as some managed services do.
    private async Task<string> ToldAsync(NpgsqlConnection connection, string mark, string name, CancellationToken cancel)
    {
        try
        {
            await using var command = Command(connection, $"SELECT {mark}");
            await command.ExecuteScalarAsync(cancel);
            return mark;
        }
        catch (PostgresException refused) when (IsRefusal(refused))
        {
            logger.MarkNotTold(name, refused.SqlState);
            return "NULL";
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql) => new(sql, connection) { CommandTimeout = Patience };

    private static bool IsRefusal(PostgresException exception) => exception.SqlState
        is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.FeatureNotSupported or PostgresErrorCodes.UndefinedFunction;

    private static int? Number(string? timeline) =>
        timeline is null ? null : int.Parse(timeline, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
