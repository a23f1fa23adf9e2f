using System.Text.Json.Serialization;
using Npgsql;
using SyncServer.Core.Spaces;
using SyncServer.Http;

namespace SyncServer.Spaces;

/// <summary>A member on the wire.</summary>
internal sealed record MemberEntry(string Principal, string Role);

/// <summary>A page of members, by principal; the cursor is absent at the end.</summary>
internal sealed record MemberPage(IReadOnlyList<MemberEntry> Members, bool HasMore)
{
    /// <summary>Where the next page begins.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cursor => HasMore ? PageCursor.Encode(Members[^1].Principal) : null;
}

/// <summary>Lists members in one statement: the caller's right and the page come from one snapshot.</summary>
internal sealed class MemberList(NpgsqlDataSource source)
{
    private const string Sql = """
        SELECT m.principal, m.role
        FROM members caller
        LEFT JOIN LATERAL (
            SELECT principal, role FROM members WHERE space_id = $1 AND principal > $3 ORDER BY principal LIMIT $4 + 1) AS m ON true
        WHERE caller.space_id = $1 AND caller.principal = $2
        ORDER BY m.principal
        """;

    /// <summary>The members after a principal; null where the caller is none of them.</summary>
    public async Task<MemberPage?> ReadAsync(SpaceCall call, string after, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = call.SpaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = call.Principal });
        command.Parameters.Add(new NpgsqlParameter { Value = after });
        command.Parameters.Add(new NpgsqlParameter { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var isMember = false;
        var members = new List<MemberEntry>();
        while (await reader.ReadAsync(cancellation))
        {
            isMember = true;
            if (!reader.IsDBNull(0))
            {
                members.Add(new MemberEntry(reader.GetString(0), ((Role)reader.GetInt16(1)).Name()));
            }
        }

        return isMember ? new MemberPage(members.GetRange(0, Math.Min(members.Count, limit)), members.Count > limit) : null;
    }
}
