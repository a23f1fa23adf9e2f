using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Events;

/// <summary>Which changes a page is to hold: those after <paramref name="After"/>, from the first on.</summary>
internal sealed record EventsAsk(Guid SpaceId, string Principal, long After)
{
    /// <summary>Changes on the page.</summary>
    public required int Limit { get; init; }

    /// <summary>Bytes of the page, which a single change may exceed.</summary>
    public required int BytesMax { get; init; }
}

/// <summary>One entry of the log as it was applied.</summary>
internal sealed record LoggedChange(long Seq, RecordKey Key, long Rev, OpKind Kind)
{
    public required string OpId { get; init; }

    public required string Principal { get; init; }

    public required string Device { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>The stored bytes; null where the change has no patch.</summary>
    public required byte[]? Patch { get; init; }
}

/// <summary>One page of the log, from one snapshot.</summary>
internal sealed record EventsPage(Role Role, long HistoryHorizon)
{
    /// <summary>In seq order, without gaps.</summary>
    public List<LoggedChange> Events { get; } = [];

    /// <summary>
    /// Whether the page ends by its own bounds and not at the head. What stands on it and where it ends then depends on nothing that
    /// can change, not even on whether anything is behind it.
    /// </summary>
    public bool IsFull { get; set; }
}

/// <summary>Reads a page of the log in one statement: role, horizon and page come from one snapshot.</summary>
internal sealed class EventsQuery(NpgsqlDataSource source)
{
    // Quotes and backslashes in an op id or a device take two bytes, control characters are in neither; a principal may hold
    // what takes six. 256 is for names, numbers and the time. Sizes stand in the rows, so that what is beyond the cut is
    // never read; they include what a change holds beside its patch, which is not on the page.
    private const string EventSize = """
        bytes::bigint + octet_length(entity) + octet_length(record_id) + 2 * octet_length(op_id) + 6 * octet_length(principal)
            + 2 * octet_length(device) + 256
        """;

    private const string Sql = $"""
        SELECT m.role, s.history_horizon, c.candidates,
            c.seq, c.entity, c.record_id, c.rev, c.kind, c.op_id, c.principal, c.device, c.at, c.patch
        FROM members m
        JOIN spaces s ON s.space_id = $1
        LEFT JOIN LATERAL (
            SELECT * FROM (
                SELECT *, count(*) OVER () AS candidates, row_number() OVER (ORDER BY seq) AS place,
                    sum({EventSize}) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS page_bytes
                FROM (SELECT * FROM changes WHERE space_id = $1 AND seq > $3 ORDER BY seq LIMIT $4) AS candidate) AS measured
            WHERE $3 >= s.history_horizon AND (place = 1 OR page_bytes <= $5)) AS c ON true
        WHERE m.space_id = $1 AND m.principal = $2
        ORDER BY c.seq
        """;

    /// <summary>The page, or null where there is no such space for the caller; below the history horizon it is empty.</summary>
    public async Task<EventsPage?> ReadAsync(EventsAsk ask, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        foreach (var value in (object[])[ask.SpaceId, ask.Principal, ask.After, ask.Limit, ask.BytesMax])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(cancellation);
        EventsPage? page = null;
        while (await reader.ReadAsync(cancellation))
        {
            page ??= new EventsPage((Role)reader.GetInt16(0), reader.GetInt64(1));
            if (reader.Number(2) is { } candidates)
            {
                page.Events.Add(Change(reader));
                page.IsFull = page.Events.Count == ask.Limit || page.Events.Count < candidates;
            }
        }

        return page;
    }

    private static LoggedChange Change(NpgsqlDataReader reader) => new(
        reader.GetInt64(3), new RecordKey(reader.GetString(4), reader.GetString(5)), reader.GetInt64(6), (OpKind)reader.GetInt16(7))
    {
        OpId = reader.GetString(8),
        Principal = reader.GetString(9),
        Device = reader.GetString(10),
        At = reader.GetFieldValue<DateTimeOffset>(11),
        Patch = reader.IsDBNull(12) ? null : reader.GetFieldValue<byte[]>(12),
    };
}
