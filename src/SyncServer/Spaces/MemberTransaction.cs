using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary>Changes a membership: row, <c>$member</c> record and outcome are stored in one transaction, or none is.</summary>
internal sealed class MemberTransaction(SpaceTransaction transaction, ServerIdentity identity, Limits limits)
{
    /// <summary>The path of a member, which is also what a key is for.</summary>
    public static string PathOf(SpaceCall call, string principal) => $"{call.Path}/members/{Uri.EscapeDataString(principal)}";

    /// <summary>Makes the member what <paramref name="wanted"/> says. Anybody may leave; the rest takes an owner.</summary>
    public Task<(Outcome? Outcome, Rejection? Rejection)> RunAsync(
        SpaceCall call, Member wanted, KeyedRequest request, CancellationToken cancellation)
    {
        var context = call.Context(identity, limits) with { Instance = PathOf(call, wanted.Principal) };
        var isLeaving = wanted.Role is null && string.Equals(wanted.Principal, call.Principal, StringComparison.Ordinal);
        var spec = new LoadSpec(call.SpaceId, call.Principal, call.Device)
        {
            OpIds = [request.Key],
            Records = [Membership.KeyOf(wanted.Principal)],
        };
        return transaction.RunAsync(spec, isLeaving ? Role.Reader : Role.Owner, async (loaded, connection) =>
        {
            var (current, owners) = await MemberRows.ReadAsync(connection, call.SpaceId, wanted.Principal, cancellation);
            var outcome = MemberPlan.Run(loaded.Plan, context with { Epoch = identity.Epoch }, request, new MemberChange(wanted, current, owners, loaded.Personal));
            if (outcome is { IsSuccess: true, Replayed: false })
            {
                await MemberRows.WriteAsync(connection, call.SpaceId, wanted, cancellation);
            }

            return new Decided<Outcome>(outcome);
        }, cancellation);
    }
}
