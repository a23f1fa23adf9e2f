using SyncServer.Core.Json;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>A server that stores what it decided after it committed the effect: a crash in between loses the outcome.</summary>
internal sealed class OutcomeAfterCommit(Space space) : Server(space)
{
    public override IReadOnlyList<Answer> Push(Client client, IReadOnlyList<QueuedOp> ops, bool crashes)
    {
        var undecided = ops.Where(op => !Space.IsDecided(client, op.OpId)).Select(op => op.OpId).ToList();
        var answers = base.Push(client, ops, crashes);
        if (crashes)
        {
            Space.Forget(client, undecided);
        }

        return answers;
    }
}

/// <summary>A server that decides every op alone, and by something else than what the device said.</summary>
internal abstract class OneByOne(Space space) : Server(space)
{
    private readonly Dictionary<string, QueuedOp> _changed = [];

    public override IReadOnlyList<Answer> Push(Client client, IReadOnlyList<QueuedOp> ops, bool crashes) => [.. ops.Select(op =>
    {
        // A repeat is the same request again, so that only the mistake itself shows.
        var changed = Space.IsDecided(client, op.OpId) ? _changed[op.OpId] : Changed(client, op);
        _changed[op.OpId] = changed;
        return Caller(client, op).One(changed.ToString());
    })];

    /// <summary>The op that is decided instead.</summary>
    protected virtual QueuedOp Changed(Client client, QueuedOp op) => op;

    /// <summary>The device that it is decided for.</summary>
    protected virtual Client Caller(Client client, QueuedOp op) => client;

    /// <summary>The op as if its user had seen the record as it is.</summary>
    protected QueuedOp Current(QueuedOp op) =>
        op.Kind == "create" || op.BaseRev is null || Space.Find(op.Id) is not { } record ? op : op with { BaseRev = record.Rev };
}

/// <summary>A server that forgets to look at the base revision.</summary>
internal sealed class NoBaseCheck(Space space) : OneByOne(space)
{
    protected override QueuedOp Changed(Client client, QueuedOp op) => Current(op);
}

/// <summary>A server that takes a device's own earlier ops for those of somebody else.</summary>
internal sealed class NothingIsOwn(Space space) : OneByOne(space)
{
    protected override Client Caller(Client client, QueuedOp op) => Space.Client(client.Principal, client.Device + op.OpId);
}

/// <summary>A server to which a change of a parent and one below it do not meet.</summary>
internal sealed class ParentsDoNotMeet(Space space) : OneByOne(space)
{
    protected override QueuedOp Changed(Client client, QueuedOp op)
    {
        var dry = client.DryRun(op.ToString())[0];
        if (dry.Summary != "409 conflict")
        {
            return op;
        }

        var touched = Space.Changes.Where(change => change.Key.Id == op.Id && change.Rev > op.BaseRev)
            .SelectMany(change => change.Touched()).Select(path => path.Path).ToHashSet();
        var paths = ((JsonArray)dry["/conflicts"]!).Items.Select(path => ((JsonString)((JsonObject)path)["path"]!).Text);
        return paths.Any(touched.Contains) ? op : Current(op);
    }
}

/// <summary>A server that applies an op whatever became of those that it depends on.</summary>
internal sealed class NothingDepends(Space space) : OneByOne(space)
{
    protected override QueuedOp Changed(Client client, QueuedOp op) => op with { DependsOn = null };
}

/// <summary>A server that takes every If-Match for the revision that it has.</summary>
internal sealed class NoPrecondition(Space space) : Server(space)
{
    public override Answer Http(Client client, QueuedOp op) => base.Http(client, op with { BaseRev = Space.Find(op.Id)!.Rev });
}
