using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>Some ops that come together.</summary>
internal sealed record PushRequest(IReadOnlyList<PushItem> Items)
{
    /// <summary>All are applied or none is.</summary>
    public bool Atomic { get; init; }

    /// <summary>Decide everything, store nothing, take no lock.</summary>
    public bool DryRun { get; init; }

    /// <summary>The size of its body, for the bounds of what waits.</summary>
    public int Bytes { get; init; }

    /// <summary>The path that problems name; null is <c>sync/ops</c>, whether the ops came alone or in a batch.</summary>
    public string? Instance { get; init; }
}

/// <summary>Decides a push in one transaction: afterwards every outcome that is final is stored with its effect, or none is.</summary>
internal sealed class PushTransaction(
    SpaceTransaction transaction, CommitQueue queue, ServerIdentity identity, PushRules rules, TimeProvider clock)
{
    /// <summary>One outcome per item, in order; or the rejection of the whole push, which then looked at nothing.</summary>
    public Task<(IReadOnlyList<Outcome>? Outcomes, Rejection? Rejection)> RunAsync(
        SpaceCall call, PushRequest request, CancellationToken cancellation)
    {
        var context = rules.Of(call, identity) with { Atomic = request.Atomic, DryRun = request.DryRun, Instance = request.Instance };
        var spec = LoadSpec.Of(call.SpaceId, context, request.Items);
        return request.DryRun
            ? transaction.LookAsync(spec, Role.Writer, Decide, cancellation)
            : queue.RunAsync(new PendingPush(request, context, spec, cancellation) { Since = clock.GetTimestamp() });

        Decided<IReadOnlyList<Outcome>> Decide(LoadedSpace loaded)
        {
            var (outcomes, discard) = PushPlan.Run(loaded.Plan, context.In(identity.Epoch), request.Items);
            return new Decided<IReadOnlyList<Outcome>>(outcomes, discard);
        }
    }
}
