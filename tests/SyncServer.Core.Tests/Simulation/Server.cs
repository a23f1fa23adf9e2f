using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>The server as devices see it. A mutant overrides what it gets wrong.</summary>
internal class Server(Space space)
{
    public Space Space { get; } = space;

    /// <summary>Decides a batch; where the server <paramref name="crashes"/> after its commit, nobody hears the answers.</summary>
    public virtual IReadOnlyList<Answer> Push(Client client, IReadOnlyList<QueuedOp> ops, bool crashes) =>
        client.Batch([.. ops.Select(op => op.ToString())]);

    /// <summary>Decides a write over plain HTTP to the revision that the device shows.</summary>
    public virtual Answer Http(Client client, QueuedOp op) => client.Http(op.OpId, op.Kind == "delete" ? OpKind.Delete : OpKind.Update,
        Precondition.Exactly(op.BaseRev!.Value), (Key(op.Id), op.N, false), op.Patch.ToString());

    /// <summary>A page of what changed after the cursor, each record once, in the order of its last change.</summary>
    public (IReadOnlyList<SyncRecord> Changes, long Cursor) Pull(long cursor, int limit)
    {
        var page = Space.Records.Where(record => record.Seq > cursor).OrderBy(record => record.Seq).Take(limit).ToList();
        return (page, page.Count == 0 ? cursor : page[^1].Seq);
    }

    /// <summary>A record of the simulated entity.</summary>
    public static RecordKey Key(string id) => new("note", id);
}

/// <summary>An op as the device wrote it down when its user edited; it never changes.</summary>
internal sealed record QueuedOp(int Device, string OpId, string Id, string Kind, long? BaseRev, long N, JsonObject Patch)
{
    /// <summary>An op of the same device, on any record, without which this one must not be applied.</summary>
    public string? DependsOn { get; init; }

    /// <summary>Whether it went over plain HTTP.</summary>
    public bool IsStrict { get; init; }

    /// <summary>The op as it is sent.</summary>
    public override string ToString()
    {
        var baseRev = BaseRev is { } rev ? $",\"baseRev\":{rev}" : "";
        var patch = Kind is "create" or "update" ? $",\"patch\":{Patch}" : "";
        var depends = DependsOn is null ? "" : $",\"dependsOn\":[\"{DependsOn}\"]";
        return $$"""{{Client.Head(OpId, Kind, Id)}},"n":{{N}}{{baseRev}}{{patch}}{{depends}}}""";
    }
}
