using Microsoft.Extensions.Caching.Memory;
using Npgsql;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary>From the <c>{space}</c> of a route to the id of a space. It grants nothing: roles are read with the data.</summary>
internal sealed class SpaceDirectory(NpgsqlDataSource source, TimeProvider clock, UniqueRegister register) : IDisposable
{
    /// <summary>Principals whose personal space is remembered: those who are active at one server, at some 300 bytes each.</summary>
    private const int RememberedSpaces = 50_000;

    /// <summary>The name of the caller's personal space.</summary>
    public const string Me = "me";

    // Behind a statement that makes or moves the account; a space that somebody else has just made is only returned.
    private const string MadeSpace = """
        , space AS (
            INSERT INTO spaces (space_id, head, tombstone_horizon, history_horizon, name, personal, created_at, unique_rules, figures)
            SELECT space_id, 0, 0, 0, NULL, true, $3, $5, '{}' FROM account WHERE space_id = $2),
        member AS (
            INSERT INTO members (space_id, principal, role)
            SELECT space_id, $1, $4 FROM account WHERE space_id = $2)
        SELECT space_id FROM account
        """;

    // The conflicting insert waits for the first to commit and then returns its row.
    private const string FirstSpace = """
        WITH account AS (
            INSERT INTO accounts AS a (principal, space_id) VALUES ($1, $2)
            ON CONFLICT (principal) DO UPDATE SET space_id = a.space_id
            RETURNING space_id)
        """ + MadeSpace;

    private const string NextSpace = """
        WITH account AS (
            UPDATE accounts SET space_id = $2 WHERE principal = $1
            RETURNING space_id)
        """ + MadeSpace;

    /// <summary>
    /// Makes <paramref name="spaceId"/> the personal space, new and empty, in the caller's transaction. The former one is
    /// left as it is, and whoever moves the account holds its lock.
    /// </summary>
    public async Task MoveAsync(NpgsqlConnection connection, string principal, Guid spaceId, DateTimeOffset now)
    {
        await using var move = new NpgsqlCommand(NextSpace, connection);
        AddParameters(move, principal, spaceId, now);
        await move.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private static readonly MemoryCacheEntryOptions OnePlace = new() { Size = 1 };

    private readonly MemoryCache _remembered = new(new MemoryCacheOptions { SizeLimit = RememberedSpaces });

    /// <summary>
    /// The personal space as it was when this server last looked it up, or null. It may have moved since, at another server
    /// too. That costs a wrong refusal and nothing else, because roles are read with the data and the former space has no
    /// members; so who is refused looks it up again.
    /// </summary>
    public Guid? Remembered(string principal) => _remembered.TryGetValue(principal, out Guid known) ? known : null;

    /// <summary>
    /// The id, or null where the text is none. <c>me</c> always has one: the first call makes the personal space, and
    /// of two first calls at once one makes it and both get the same id.
    /// </summary>
    public async ValueTask<Guid?> FindAsync(string principal, string space, CancellationToken cancellation)
    {
        if (space == Me)
        {
            return await PersonalAsync(principal, cancellation);
        }

        return Guid.TryParseExact(space, "D", out var id) && id.ToString() == space ? id : null;
    }

    /// <inheritdoc />
    public void Dispose() => _remembered.Dispose();

    private async Task<Guid> PersonalAsync(string principal, CancellationToken cancellation)
    {
        var found = await LookUpAsync(principal, cancellation);
        _remembered.Set(principal, found, OnePlace);
        return found;
    }

    private async Task<Guid> LookUpAsync(string principal, CancellationToken cancellation)
    {
        await using (var find = source.CreateCommand("SELECT space_id FROM accounts WHERE principal = $1"))
        {
            find.Parameters.Add(new NpgsqlParameter { Value = principal });
            if (await find.ExecuteScalarAsync(cancellation) is Guid known)
            {
                return known;
            }
        }

        return await MakePersonalAsync(principal, cancellation);
    }

    private async Task<Guid> MakePersonalAsync(string principal, CancellationToken cancellation)
    {
        // One statement is one transaction.
        await using var make = source.CreateCommand(FirstSpace);
        AddParameters(make, principal, Guid.NewGuid(), clock.GetUtcNow());
        return (Guid)(await make.ExecuteScalarAsync(cancellation))!;
    }

    private void AddParameters(NpgsqlCommand command, string principal, Guid spaceId, DateTimeOffset now)
    {
        command.Parameters.Add(new NpgsqlParameter { Value = principal });
        command.Parameters.Add(new NpgsqlParameter { Value = spaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = now });
        command.Parameters.Add(new NpgsqlParameter { Value = (short)Role.Owner });
        command.Parameters.Add(register.Mark());
    }
}
