using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Push;

/// <summary>What is to be done about one op. It holds no bytes of answers; <see cref="PushPlan"/> makes them.</summary>
public abstract record Decision
{
    private Decision()
    {
    }

    /// <summary>Write the record. <paramref name="Data"/> is null where the data stays; a merge is explained by <paramref name="Merge"/>.</summary>
    public sealed record Apply(OpKind Kind, JsonObject? Data, IReadOnlyList<Explanation>? Merge = null) : Decision;

    /// <summary>Accept without a revision: the record already is as it should be.</summary>
    public sealed record Keep(IReadOnlyList<Explanation>? Merge = null) : Decision;

    /// <summary>Open a conflict, or add to the open one of the same device.</summary>
    public sealed record Park(ErrorCode Kind, string Detail, ParkedStates States, IReadOnlyList<Explanation> Paths) : Decision;

    /// <summary>Add to the open conflict whatever the op would have done alone.</summary>
    public sealed record Join(ParkedConflict Conflict) : Decision;

    /// <summary>Refuse. <paramref name="Stored"/> refusals are final; others may be sent again.</summary>
    public sealed record Refuse(Rejection Rejection, bool Stored) : Decision
    {
        /// <summary>The dependency that is missing.</summary>
        public (string OpId, OutcomeState State)? Dependency { get; init; }

        /// <summary>Why the client has to pull from the start.</summary>
        public string? ResyncReason { get; init; }
    }
}

/// <summary>The three sides of a conflict; null is deleted, absent or unknown.</summary>
public sealed record ParkedStates(JsonObject? Base, JsonObject? Theirs, JsonObject? Yours);
