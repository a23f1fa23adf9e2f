using SyncServer.Core.Entities;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>Everything about a push that is not its ops: who, and in which history.</summary>
public sealed record PushContext
{
    /// <summary>The caller.</summary>
    public required string Principal { get; init; }

    /// <summary>The caller's device; empty where none was named, and then nothing is own.</summary>
    public required string Device { get; init; }

    /// <summary>The history of this database.</summary>
    public required string Epoch { get; init; }

    /// <summary>The history that the client knows, or null where it did not say.</summary>
    public required string? ClientEpoch { get; init; }

    /// <summary>The path of the space, under which problems occur and records are located.</summary>
    public required string SpacePath { get; init; }

    /// <summary>The path of a request that is no push, under which its problems occur; null for a push.</summary>
    public string? Instance { get; init; }

    /// <summary>The trace of the request.</summary>
    public required string TraceId { get; init; }

    /// <summary>The operators' limits.</summary>
    public required Limits Limits { get; init; }

    /// <summary>What is declared of entities.</summary>
    public EntityDefinitions Definitions { get; init; } = EntityDefinitions.None;

    /// <summary>Rules in code, in the order in which they were registered.</summary>
    public IReadOnlyList<IOpRule> Rules { get; init; } = [];

    /// <summary>All ops are applied or none is.</summary>
    public bool Atomic { get; init; }

    /// <summary>Decide everything and store nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>What is declared of the record's entity; nothing of the server's own.</summary>
    public EntityDefinition DefinitionOf(RecordKey key) => Definitions.For(key.Entity);

    /// <summary>The same in another history of the database, which may have begun since the push came.</summary>
    public PushContext In(string epoch) => epoch == Epoch ? this : this with { Epoch = epoch };

    /// <summary>Whether a change was made by the caller's device.</summary>
    public bool IsOwn(Change change) => change.IsOwn(Principal, Device);

    /// <summary>The caller as the log names it.</summary>
    public Author Author => new(Principal, Device);
}
