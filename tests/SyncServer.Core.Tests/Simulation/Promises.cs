using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>
/// What holds after any run, told from the log, the answers and the devices alone. Whose a change is says the simulation,
/// not the server.
/// </summary>
internal sealed class Promises
{
    private static readonly string[] NeverOverwritten = ["a", "strict", "o", "keep", "unique"];
    private readonly Simulation _run;
    private readonly List<Change> _changes;
    private readonly Dictionary<(string Id, long Rev), RecordState> _states = [];

    private Promises(Simulation run)
    {
        _run = run;
        _changes = [.. run.Space.Changes.Where(change => change.Key.Entity == "note")];
        foreach (var record in _changes.GroupBy(change => change.Key.Id))
        {
            var state = RecordState.Absent;
            foreach (var change in record)
            {
                state = state.With(change.Kind, data => MergePatch.Apply(data, change.Patch ?? JsonObject.Empty));
                _states[(record.Key, change.Rev)] = state;
            }
        }
    }

    /// <summary>The promises that the run broke.</summary>
    public static IEnumerable<string> Broken(Simulation run)
    {
        var promises = new Promises(run);
        return promises.Devices()
            .Concat(promises.Order())
            .Concat(promises.Counters())
            .Concat(run.Decisions.Values.SelectMany(promises.Kept))
            .Concat(run.Decisions.Values.SelectMany(promises.Preconditions))
            .Concat(promises._changes.SelectMany(promises.Overwritten))
            .Concat(promises._changes.SelectMany(promises.Lines))
            .Concat(promises._changes.SelectMany(promises.Updates));
    }

    /// <summary>What depends on another op comes after it, and a strict write is done to its revision or not at all.</summary>
    private IEnumerable<string> Preconditions(Decided decided)
    {
        var (op, answer) = decided;
        if (answer.Outcome.IsSuccess && op.DependsOn is { } first && !Holds(_run.Decisions.GetValueOrDefault(first)))
        {
            yield return $"{op.OpId} was applied without {first}";
        }

        if (op.IsStrict && _changes.Find(change => change.OpId == op.OpId) is { } change && change.Rev != op.BaseRev + 1)
        {
            yield return $"{op.OpId} was for revision {op.BaseRev} and made {change.Rev}";
        }
    }

    private bool Holds(Decided? dependency) => dependency is { Answer.Outcome: { } outcome } && (outcome.IsSuccess
        || _run.Resolutions.Values.Any(resolved => resolved.Choice != "theirs" && ((JsonString)resolved.Conflict["conflictId"]!).Text == outcome.ConflictId));

    /// <summary>Every line of a merged text is the one that somebody wrote there and the other side left alone.</summary>
    private IEnumerable<string> Lines(Change change)
    {
        if (_run.Decisions.GetValueOrDefault(change.OpId)?.Op is not { BaseRev: { } baseRev, Kind: "update" } op
            || Text(op.Patch) is not { } yours || Text(_states[(op.Id, change.Rev - 1)].Data) is not { } theirs)
        {
            yield break;
        }

        var merged = Text(_states[(op.Id, change.Rev)].Data)!;
        if (!merged.SequenceEqual(theirs) && !Seen(op, baseRev, Since(op, baseRev, change.Rev)).Any(seen => Text(seen) is not { } basis
            || merged.Index().All(line => line.Item == (yours[line.Index] == basis[line.Index] ? theirs : yours)[line.Index])))
        {
            yield return $"{op.OpId} lost a line of a text: {string.Join(',', theirs)} and {string.Join(',', yours)} became {string.Join(',', merged)}";
        }
    }

    private static string[]? Text(JsonObject? data) => (data?["text"] as JsonString)?.Text.Split('\n');

    /// <summary>Every update of a CRDT field stays until a compaction names it.</summary>
    private IEnumerable<string> Updates(Change change)
    {
        var end = _run.Space.Find(change.Key.Id)!.Data!.Value;
        var held = ((JsonPointer.Find(end, "/doc/updates") as JsonArray)?.Items ?? []).Select(update => ((JsonString)update).Text).ToHashSet();
        return ((JsonPointer.Find(change.Sent ?? change.Patch, "/doc/$append") as JsonArray)?.Items ?? [])
            .Select(update => ((JsonString)update).Text)
            .Where(update => !held.Contains(update) && !_changes.Exists(later => later.Key == change.Key && later.Seq > change.Seq && Names(later, update)))
            .Select(update => $"{change.OpId} appended {update}, which is gone");
    }

    /// <summary>Whether a change, or one of the ops that a resolution did, compacted the update away.</summary>
    private bool Names(Change change, string update)
    {
        var patches = _run.Resolutions.TryGetValue(change.OpId, out var resolved)
            ? ((JsonArray)resolved.Conflict["ops"]!).Items.Select(op => ((JsonObject)op)["patch"])
            : [change.Sent ?? change.Patch];
        var hash = Step.Hash(System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(update)));
        return patches.Any(patch => (JsonPointer.Find(patch, "/doc/$compact/replaces") as JsonArray)?.Items.Contains(new JsonString(hash)) == true);
    }

    private IEnumerable<string> Devices() =>
        from phone in _run.Phones
        from record in _run.Space.Records.Where(record => record.Key.Entity == "note")
        let held = phone.Known.GetValueOrDefault(record.Key.Id)
        where held is null || (held.Rev, held.Deleted) != (record.Rev, record.Deleted)
            || (!record.Deleted && !JsonValue.Same(held.Data, record.Data!.Value))
        select $"device {phone.Number} holds {held?.Data} at {held?.Rev} of {record.Key.Id}, the server {record.Data!.Value} at {record.Rev}";

    private IEnumerable<string> Order()
    {
        var seqs = _run.Space.Changes.Select((change, i) => change.Seq == i + 1 ? null : $"seq {change.Seq} at place {i + 1}");
        var revs = _run.Space.Changes.GroupBy(change => change.Key)
            .SelectMany(record => record.Select((change, i) => change.Rev == i + 1 ? null : $"rev {change.Rev} of {record.Key} at place {i + 1}"));
        var twice = _changes.CountBy(change => change.OpId).Where(op => op.Value > 1).Select(op => $"{op.Key} was applied {op.Value} times");
        return seqs.Concat(revs).OfType<string>().Concat(twice);
    }

    /// <summary>Every counter is the sum of the increments that were applied, alone or by a resolution.</summary>
    private IEnumerable<string> Counters() =>
        from record in _run.Space.Records
        where record.Key.Entity == "note"
        let sum = _changes.Where(change => change.Key == record.Key).Sum(Increment)
        let count = (record.Data!.Value["count"] as JsonNumber)?.AsSafeInteger() ?? 0
        where sum != count
        select $"the increments of {record.Key.Id} make {sum}, and its counter is {count}";

    private long Increment(Change change) => change.Kind == OpKind.Delete ? 0 : _run.Resolutions.TryGetValue(change.OpId, out var resolved)
        ? resolved.Choice == "mine" ? ((JsonArray)resolved.Conflict["ops"]!).Items.Sum(op => Increment(((JsonObject)op)["patch"])) : 0
        : Increment(_run.Decisions.GetValueOrDefault(change.OpId)?.Op.Patch);

    private static long Increment(JsonValue? patch) => (JsonPointer.Find(patch, "/count/$inc") as JsonNumber)?.AsSafeInteger() ?? 0;

    /// <summary>What was typed is in the log, in a conflict, or the answer says what became of it; and nothing is parked without a reason.</summary>
    private IEnumerable<string> Kept(Decided decided)
    {
        var (op, answer) = decided;
        var change = _changes.Find(change => change.OpId == op.OpId);
        if (answer.Outcome.IsSuccess)
        {
            var isLogged = change is null || op.Kind is "delete" or "restore" || op.Patch.Equals(change.Sent ?? change.Patch);
            return (isLogged ? [] : new[] { $"{op.OpId} is in the log as {change!.Sent ?? change.Patch}" })
                .Concat(Intent.Touched(op.Patch).Where(touched => !Survives(decided, touched)).Select(touched => $"{op.OpId}: {touched.Path} is nowhere"));
        }

        if (answer.Outcome.ConflictId is not { } conflictId)
        {
            return change is null ? [] : [$"{op.OpId} was refused and applied"];
        }

        var parked = ((JsonArray)_run.Space.Holder(conflictId)["ops"]!).Items.Cast<JsonObject>()
            .FirstOrDefault(parked => ((JsonString)parked["opId"]!).Text == op.OpId);
        var isParked = parked is not null && (op.Kind is "delete" or "restore" || op.Patch.Equals(parked["patch"]));
        return (isParked ? [] : new[] { $"{op.OpId} is not in its conflict" })
            .Concat(HasReason(decided) ? [] : [$"{op.OpId} was parked without a reason: {answer.Summary}"]);
    }

    /// <summary>The record holds the value, the answer names the place, or the device had shown that value before.</summary>
    private bool Survives(Decided decided, TouchedPath touched)
    {
        var reported = (decided.Answer["/merge"] as JsonArray)?.Items.Any(entry => JsonPointer.Meet(((JsonString)((JsonObject)entry)["path"]!).Text, touched.Path)) == true;
        var value = JsonPointer.Find(decided.Op.Patch, touched.Path);
        var wanted = JsonLiteral.Null.Equals(value) ? null : value;
        var before = JsonPointer.Find(_states.GetValueOrDefault((decided.Op.Id, decided.Answer.Outcome.Rev!.Value - 1)).Data, touched.Path);
        if (touched.Operator is { } found && JsonValue.Same(found.Apply(before, isCrdt: touched.Path == "/doc", Limits.CrdtUpdates).Value, before))
        {
            return true;
        }

        return reported || (touched.Operator is not null && JsonLiteral.False.Equals(decided.Answer["/record/deleted"]))
            || JsonValue.Same(JsonPointer.Find(decided.Answer["/record/data"], touched.Path), wanted)
            || (decided.Op.BaseRev is { } baseRev && Seen(decided.Op, baseRev, Since(decided.Op, baseRev, decided.Answer.Outcome.Rev + 1))
                .Any(seen => JsonValue.Same(JsonPointer.Find(seen, touched.Path), wanted)));
    }

    /// <summary>Somebody else, or a resolution, wrote the record after what the device saw; what joins a conflict has that one's reason.</summary>
    private bool HasReason(Decided decided)
    {
        var (op, answer) = decided;
        return op.Kind == "restore" || answer.Summary == "409 unique" || Parked(answer) > 1
            || _changes.Exists(change => change.Key.Id == op.Id && change.Rev > (op.BaseRev ?? 0) && change.Rev <= answer.Outcome.Rev
                && (DeviceOf(change) != op.Device || _run.Resolutions.ContainsKey(change.OpId)));
    }

    private int Parked(Answer answer)
    {
        var ops = ((JsonArray)_run.Space.Holder(answer.Outcome.ConflictId!)["ops"]!).Items;
        return ops.ToList().FindIndex(parked => ((JsonString)((JsonObject)parked)["opId"]!).Text == ((JsonString)answer.Body["opId"]!).Text) + 1;
    }

    private int DeviceOf(Change change) => _run.Resolutions.TryGetValue(change.OpId, out var resolved)
        ? resolved.Device
        : _run.Decisions.TryGetValue(change.OpId, out var decided) ? decided.Op.Device : -1;

    /// <summary>A field that nobody may overwrite unseen held what the device saw, or holds what it held before.</summary>
    private IEnumerable<string> Overwritten(Change change)
    {
        if (_run.Decisions.GetValueOrDefault(change.OpId)?.Op is not { BaseRev: { } baseRev } op || op.Kind is "create" or "delete")
        {
            yield break;
        }

        var since = Since(op, baseRev, change.Rev);
        var before = _states[(op.Id, change.Rev - 1)].Data;
        var after = _states[(op.Id, change.Rev)].Data;
        foreach (var (path, _) in Intent.Touched(op.Patch).Where(touched => NeverOverwritten.Contains(JsonPointer.Names(touched.Path).First())))
        {
            var lost = JsonPointer.Find(before, path);
            var foreign = since.Exists(other => DeviceOf(other) != op.Device && other.Touched().Any(touched => JsonPointer.Meet(touched.Path, path)));
            if (foreign && !JsonValue.Same(lost, JsonPointer.Find(after, path)) && !Seen(op, baseRev, since).Any(seen => JsonValue.Same(lost, JsonPointer.Find(seen, path))))
            {
                yield return $"{op.OpId} overwrote {lost} at {path}, which its device had not seen";
            }
        }
    }

    private List<Change> Since(QueuedOp op, long baseRev, long? end) =>
        [.. _changes.Where(other => other.Key.Id == op.Id && other.Rev > baseRev && other.Rev < end && other.OpId != op.OpId)];

    /// <summary>What the device showed: the record at the base with its own other ops, in the order of arrival and of its counter.</summary>
    private IEnumerable<JsonObject?> Seen(QueuedOp op, long baseRev, List<Change> since)
    {
        var start = baseRev == 0 ? null : _states[(op.Id, baseRev)].Data;
        var own = since.Where(other => DeviceOf(other) == op.Device).Select(other => (other.Rev, N: other.N ?? 0, Patch: other.Sent ?? other.Patch))
            .Concat(Unchanged(op, baseRev)).OrderBy(other => other.Rev).ToList();
        JsonObject? Overlaid(IEnumerable<(long Rev, long N, JsonObject? Patch)> edits) => edits.Aggregate(start, (state, other) =>
            state is null ? Plain(other.Patch) : MergePatch.Apply(state, Plain(other.Patch)));
        yield return Overlaid(own);
        yield return Overlaid(own.OrderBy(other => other.N));
    }

    /// <summary>The device's own ops that were accepted before this one and changed nothing, at the revisions that they met.</summary>
    private IEnumerable<(long Rev, long N, JsonObject? Patch)> Unchanged(QueuedOp op, long baseRev) => _run.Decisions.Values
        .TakeWhile(decided => decided.Op.OpId != op.OpId)
        .Where(decided => decided is { Answer.Outcome.IsSuccess: true, Op.Kind: "update" } && decided.Op.Device == op.Device && decided.Op.Id == op.Id
            && decided.Answer.Outcome.Rev > baseRev && !_changes.Exists(change => change.OpId == decided.Op.OpId))
        .Select(decided => (decided.Answer.Outcome.Rev!.Value, decided.Op.N, (JsonObject?)decided.Op.Patch));

    private static JsonObject Plain(JsonObject? patch) => JsonObject.Of((patch ?? JsonObject.Empty).Members
        .Where(member => member.Value is not JsonObject { Count: 1 } inner || !inner.Members[0].Key.StartsWith('$'))
        .Select(member => (member.Key, (JsonValue?)member.Value)));
}
