using SyncServer.Core;
using SyncServer.Core.Entities;
using SyncServer.Core.Push;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>What every write to a record is held to: limits, definitions, and the rules that were registered in code.</summary>
internal sealed class PushRules(Limits limits, EntityDefinitions definitions, IEnumerable<IOpRule> rules)
{
    private readonly IReadOnlyList<IOpRule> _rules = [.. rules];

    /// <summary>The context of a plan for this call.</summary>
    public PushContext Of(SpaceCall call, ServerIdentity identity) =>
        call.Context(identity, limits) with { Definitions = definitions, Rules = _rules };
}
