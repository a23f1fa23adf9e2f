using System.Text.Json;
using Npgsql;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary>Makes shared spaces. The outcome stands in the caller's personal space, in the transaction that makes the space.</summary>
internal sealed class SpaceCreation(SpaceTransaction transaction, UniqueRegister register, ServerIdentity identity, Limits limits)
{
    private const string Space = """
        INSERT INTO spaces (space_id, head, tombstone_horizon, history_horizon, name, personal, created_at, unique_rules, figures)
        VALUES ($1, 0, 0, 0, $2, false, $3, $4, '{}')
        """;

    /// <summary>The space, its owner and the owner's <c>$member</c> record; or the answer that the key had before.</summary>
    public Task<(Outcome? Outcome, Rejection? Rejection)> RunAsync(
        SpaceCall personal, KeyedRequest request, string name, CancellationToken cancellation)
    {
        var context = personal.Context(identity, limits) with { Instance = SpacesEndpoint.Path };
        var spec = new LoadSpec(personal.SpaceId, personal.Principal, personal.Device) { OpIds = [request.Key] };
        return transaction.RunAsync(spec, Role.Owner, async (loaded, connection) =>
        {
            var plan = loaded.Plan;
            if (request.Undecidable(plan, context with { Epoch = identity.Epoch }) is { } answer)
            {
                return new Decided<Outcome>(answer);
            }

            var space = new SpacePlan(Guid.NewGuid(), head: 0, plan.Now, Seeds.New());
            var owner = new Member(context.Principal, Role.Owner);
            Membership.Write(space, context.Author, request.Key, owner);
            await using var insert = new NpgsqlCommand(Space, connection);
            insert.Parameters.Add(new NpgsqlParameter { Value = space.SpaceId });
            insert.Parameters.Add(new NpgsqlParameter { Value = name });
            insert.Parameters.Add(new NpgsqlParameter { Value = plan.Now });
            insert.Parameters.Add(register.Mark());
            await insert.ExecuteNonQueryAsync(cancellation);
            await MemberRows.WriteAsync(connection, space.SpaceId, owner, cancellation);
            await SpaceWrite.WriteAsync(connection, space);
            return new Decided<Outcome>(request.Decided(plan, context, Created(space.SpaceId, name)));
        }, cancellation);
    }

    private static Outcome Created(Guid id, string name) => new()
    {
        Status = StatusCodes.Status201Created,
        State = OutcomeState.Applied,
        Location = $"{SpacesEndpoint.Path}/{id}",
        Body = JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteString("name", name);
            writer.WriteString("role", Role.Owner.Name());
            writer.WriteEndObject();
        }),
    };
}
