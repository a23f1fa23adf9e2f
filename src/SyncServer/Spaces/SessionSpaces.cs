using Npgsql;
using SyncServer.Core.Spaces;

namespace SyncServer.Spaces;

/// <summary>Lists the spaces of a principal.</summary>
internal sealed class SessionSpaces(NpgsqlDataSource source)
{
    // The personal space comes first on the first page and on no other; it has the smallest key there can be.
    private const string Sql = """
        SELECT s.space_id, s.name, m.role, s.personal, s.head
        FROM members m JOIN spaces s ON s.space_id = m.space_id
        WHERE m.principal = $1 AND CASE WHEN $2::uuid IS NULL THEN true ELSE NOT s.personal AND m.space_id > $2 END
        ORDER BY s.personal DESC, s.space_id
        LIMIT $3
        """;

    /// <summary>At most <paramref name="limit"/> spaces, after a shared one or from the beginning.</summary>
    public async Task<IReadOnlyList<SessionSpace>> ReadAsync(string principal, Guid? after, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = principal });
        command.Parameters.Add(new NpgsqlParameter { Value = after is { } id ? id : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var spaces = new List<SessionSpace>();
        while (await reader.ReadAsync(cancellation))
        {
            var isPersonal = reader.GetBoolean(3);
            spaces.Add(new SessionSpace(
                reader.GetGuid(0), isPersonal ? SpaceDirectory.Me : reader.GetString(1),
                ((Role)reader.GetInt16(2)).Name(), isPersonal, reader.GetInt64(4)));
        }

        return spaces;
    }
}
