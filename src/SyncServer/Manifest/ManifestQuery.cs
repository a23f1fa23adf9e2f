using Npgsql;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Manifest;

/// <summary>How an op ended, in short.</summary>
internal readonly record struct DecidedOp(OutcomeState State, short Status, long? Rev);

/// <summary>Looks up outcomes in one statement: the caller's role and what was decided come from one snapshot.</summary>
internal sealed class ManifestQuery(NpgsqlDataSource source)
{
    private const string Sql = """
        SELECT m.role, o.op_id, o.state, o.status, o.rev
        FROM members m
        LEFT JOIN outcomes o ON o.space_id = $1 AND o.principal = $2 AND o.op_id = ANY ($3)
        WHERE m.space_id = $1 AND m.principal = $2
        """;

    /// <summary>The caller's own ops among these that were decided; without a role there is no such space for the caller.</summary>
    public async Task<(Role? Role, Dictionary<string, DecidedOp> Decided)> ReadAsync(
        Guid spaceId, string principal, IReadOnlyCollection<string> opIds, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter { Value = spaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = principal });
        command.Parameters.Add(new NpgsqlParameter { Value = opIds.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Role? role = null;
        var decided = new Dictionary<string, DecidedOp>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation))
        {
            role = (Role)reader.GetInt16(0);
            if (reader.Text(1) is { } opId)
            {
                decided[opId] = new DecidedOp((OutcomeState)reader.GetInt16(2), reader.GetInt16(3), reader.Number(4));
            }
        }

        return (role, decided);
    }
}
