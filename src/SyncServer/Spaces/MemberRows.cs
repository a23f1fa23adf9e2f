using Npgsql;
using SyncServer.Core.Spaces;

namespace SyncServer.Spaces;

/// <summary>The table of members, on a connection whose transaction holds the lock of the space.</summary>
internal static class MemberRows
{
    private const string State = """
        SELECT (SELECT role FROM members WHERE space_id = $1 AND principal = $2),
            (SELECT count(*) FROM members WHERE space_id = $1 AND role = $3)
        """;

    private const string Upsert = """
        INSERT INTO members (space_id, principal, role) VALUES ($1, $2, $3)
        ON CONFLICT (space_id, principal) DO UPDATE SET role = excluded.role
        """;

    private const string Delete = "DELETE FROM members WHERE space_id = $1 AND principal = $2";

    /// <summary>The principal's role, or null, and the number of owners.</summary>
    public static async Task<(Role? Role, long Owners)> ReadAsync(
        NpgsqlConnection connection, Guid spaceId, string principal, CancellationToken cancellation)
    {
        await using var command = Command(connection, State, spaceId, principal, (short)Role.Owner);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.IsDBNull(0) ? null : (Role)reader.GetInt16(0), reader.GetInt64(1));
    }

    /// <summary>Makes the row what <paramref name="member"/> says; without a role there is none afterwards.</summary>
    public static async Task WriteAsync(NpgsqlConnection connection, Guid spaceId, Member member, CancellationToken cancellation)
    {
        await using var command = member.Role is { } role
            ? Command(connection, Upsert, spaceId, member.Principal, (short)role)
            : Command(connection, Delete, spaceId, member.Principal);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params IEnumerable<object> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
