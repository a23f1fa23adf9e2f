using System.Globalization;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>What a device holds of the server's records.</summary>
internal sealed record Held(long Rev, bool Deleted, JsonObject? Data);

/// <summary>A device that keeps protocol 10: an outbox, the records that it knows, and a cursor.</summary>
internal sealed class Phone(int number, Client client)
{
    // Operators that commute anywhere but under strict and keep; plain values under lww and max need no base either.
    private static readonly string[] NeedNoBase = ["lww", "count", "max", "set", "list", "doc"];

    private readonly Dictionary<string, Held> _known = [];
    private long _n;
    private long _cursor;

    public int Number { get; } = number;

    public Client Client { get; } = client;

    public List<QueuedOp> Outbox { get; } = [];

    public List<QueuedOp> Sent { get; } = [];

    public IReadOnlyDictionary<string, Held> Known => _known;

    /// <summary>Another number of this device's own.</summary>
    public long NextN() => ++_n;

    /// <summary>Writes down what the user did, where the user can do it with what the device shows.</summary>
    public void Edit(Step step)
    {
        var mine = Outbox.FindLast(op => op.Id == step.Id);
        var known = _known.GetValueOrDefault(step.Id);
        var (exists, deleted) = (mine is not null || known is not null, mine is null ? known?.Deleted == true : mine.Kind == "delete");
        var kind = (step.Act, exists, deleted) switch
        {
            (Act.Edit, false, _) => "create",
            (Act.Edit, true, false) => "update",
            (Act.Delete, true, false) => "delete",
            (Act.Restore, true, true) => "restore",
            _ => null,
        };
        if (kind is null)
        {
            return;
        }

        var patch = kind is "create" or "update" ? Worlds.Parsed(step.Patch) : JsonObject.Empty;
        var knowsBase = kind != "update" || step.Pick > 2 || !patch.Members.All(member => NeedNoBase.Contains(member.Key));
        var opId = string.Create(CultureInfo.InvariantCulture, $"d{Number}-{NextN()}");
        var createWaits = Outbox.Exists(op => op.Id == step.Id && op.Kind == "create");
        Outbox.Add(new QueuedOp(Number, opId, step.Id, kind, !knowsBase ? null : createWaits ? 0 : known?.Rev ?? 0, _n, patch)
        {
            DependsOn = step.Pick % 4 == 3 && Outbox.Count > 0 ? Outbox[^1].OpId : null,
        });
    }

    /// <summary>What the user does over plain HTTP to the record as the device shows it; null where it shows none.</summary>
    public QueuedOp? Strict(Step step) => _known.GetValueOrDefault(step.Id) is { Deleted: false } known
        ? new QueuedOp(Number, string.Create(CultureInfo.InvariantCulture, $"d{Number}-{NextN()}"), step.Id, step.Pick == 0 ? "delete" : "update",
            known.Rev, _n, step.Pick == 0 ? JsonObject.Empty : Worlds.Parsed(step.Patch))
        { IsStrict = true }
        : null;

    /// <summary>Takes an answer: the op leaves the outbox at every stored status, and the record in it is taken over.</summary>
    public void Hear(QueuedOp op, Answer answer)
    {
        var waits = (answer.Outcome.Status == 404 && Outbox.Exists(other => other.Id == op.Id && other.Kind == "create"))
            || (answer.Outcome.Status == 424 && (answer["/dependency/state"] as JsonString)?.Text is "unknown" or "conflict");
        if (!waits)
        {
            Outbox.Remove(op);
        }

        if ((answer["/record"] ?? answer["/current"]) is JsonObject envelope)
        {
            Take(((JsonString)envelope["id"]!).Text, new Held(((JsonNumber)envelope["rev"]!).AsSafeInteger()!.Value,
                JsonLiteral.True.Equals(envelope["deleted"]), envelope["data"] as JsonObject));
        }
    }

    /// <summary>Takes one page.</summary>
    public bool Pull(Server server, int limit)
    {
        var (changes, cursor) = server.Pull(_cursor, limit);
        foreach (var record in changes.Where(record => record.Key.Entity == "note"))
        {
            Take(record.Key.Id, new Held(record.Rev, record.Deleted, record.Deleted ? null : record.Data!.Value));
        }

        _cursor = cursor;
        return changes.Count > 0;
    }

    private void Take(string id, Held held)
    {
        if (!_known.TryGetValue(id, out var known) || known.Rev < held.Rev)
        {
            _known[id] = held;
        }
    }
}
