using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Conflicts;

/// <summary>The place that one device has for what it could not apply to one record; at most one of them is open.</summary>
public readonly record struct ConflictSlot(RecordKey Key, string Principal, string Device);

/// <summary>An op as it was parked.</summary>
public sealed record ParkedOp(string OpId, OpKind Kind, long? BaseRev, JsonObject Patch, long? N, DateTimeOffset At)
{
    /// <summary>Pointers of what it touches.</summary>
    public IEnumerable<string> Touched => Kind is OpKind.Delete or OpKind.Restore ? [""] : Intent.Touched(Patch).Select(touched => touched.Path);

    /// <summary>The op as JSON.</summary>
    public JsonObject ToJson() => JsonObject.Of(
        ("opId", new JsonString(OpId)),
        ("kind", new JsonString(KindName(Kind))),
        ("baseRev", BaseRev is { } rev ? JsonNumber.Of(rev) : null),
        ("patch", Kind is OpKind.Delete or OpKind.Restore ? null : Patch),
        ("n", N is { } n ? JsonNumber.Of(n) : null),
        ("at", new JsonString(Timestamp.Format(At))));

    /// <summary>The op that <see cref="ToJson"/> wrote.</summary>
    public static ParkedOp FromJson(JsonObject stored) => new(
        ((JsonString)stored["opId"]!).Text,
        Enum.Parse<OpKind>(((JsonString)stored["kind"]!).Text, ignoreCase: true),
        (stored["baseRev"] as JsonNumber)?.AsSafeInteger(),
        stored["patch"] as JsonObject ?? JsonObject.Empty,
        (stored["n"] as JsonNumber)?.AsSafeInteger(),
        DateTimeOffset.Parse(((JsonString)stored["at"]!).Text, System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>The kind on the wire.</summary>
    public static string KindName(OpKind kind) => kind switch
    {
        OpKind.Create => "create",
        OpKind.Update => "update",
        OpKind.Delete => "delete",
        _ => "restore",
    };
}

/// <summary>
/// The ops of one device that could not be applied to one record, with everything that a "yours or theirs" screen
/// needs. It is the data of a <c>$conflict</c> record (protocol 7).
/// </summary>
public sealed record ParkedConflict
{
    /// <summary>The id of the <c>$conflict</c> record.</summary>
    public required string ConflictId { get; init; }

    /// <summary>Which record, whose ops, on which device.</summary>
    public required ConflictSlot Slot { get; init; }

    /// <summary>Why the first op was parked.</summary>
    public required ErrorCode Kind { get; init; }

    /// <summary>What was parked, in the order of the device's counter; without one, and without a device, in that of arrival.</summary>
    public required IReadOnlyList<ParkedOp> Ops { get; init; }

    /// <summary>What the device last saw; null where it is unknown or there was nothing.</summary>
    public required JsonObject? Base { get; init; }

    /// <summary>What the device holds with all parked ops; null where it deleted the record.</summary>
    public required JsonObject? Yours { get; init; }

    /// <summary>What the server held when the first op was parked; null where it was deleted.</summary>
    public required JsonObject? Theirs { get; init; }

    /// <summary>The paths that need a decision.</summary>
    public required IReadOnlyList<Explanation> Paths { get; init; }

    /// <summary>What its ops touch.</summary>
    private PathSet Touched
    {
        get => field ??= PathSet.Of(Ops.SelectMany(parked => parked.Touched));
        init;
    }

    /// <summary>Whether the op touches what is parked, or builds on a parked create.</summary>
    public bool Covers(Op op)
    {
        var parksCreate = Ops.Any(parked => parked.Kind == OpKind.Create);
        return (parksCreate && (op.BaseRev == 0 || Ops.Any(parked => op.DependsOn.Contains(parked.OpId))))
            || op.Touched().Any(touched => Touched.Meets(touched.Path));
    }

    /// <summary>
    /// Bytes that are gone over where the op does not simply go on from <see cref="Yours"/>: a copy of the record with all
    /// patches for each op.
    /// </summary>
    public long WorkOf(ParkedOp op) => PlaceOf(op) == Ops.Count && Yours is not null
        ? 0
        : (Ops.Count + 1) * ((Base ?? Theirs ?? JsonObject.Empty).ToUtf8().Length + Ops.Append(op).Sum(parked => (long)parked.Patch.ToUtf8().Length));

    // Counters say something within a device, and without Sync-Device nobody knows whose they are.
    private int PlaceOf(ParkedOp op)
    {
        var place = 0;
        while (place < Ops.Count && !(Slot.Device.Length > 0 && Ops[place].N > op.N))
        {
            place++;
        }

        return place;
    }

    /// <summary>The conflict with one more op of its device, at its place by the device's counter.</summary>
    public ParkedConflict Join(ParkedOp op, EntityDefinition definition)
    {
        var place = PlaceOf(op);
        List<ParkedOp> ops = [.. Ops.Take(place), op, .. Ops.Skip(place)];
        var state = place == Ops.Count && Yours is { } known
            ? Then(new RecordState(known, Deleted: false), op)
            : ops.Aggregate(new RecordState(ops[0].Kind == OpKind.Create ? null : Base ?? Theirs, Deleted: false), Then);
        var yours = state.Deleted ? null : state.Data;
        var explained = Paths.Select(known => known.Path).ToHashSet(StringComparer.Ordinal);
        var paths = op.Touched.Where(path => !explained.Contains(path));
        return this with
        {
            Ops = ops,
            Touched = Touched.With(op.Touched),
            Yours = yours,
            Paths =
            [
                .. Paths.Select(known => known with { Yours = JsonPointer.Find(yours, known.Path) }),
                .. paths.Select(path => new Explanation(path, definition.MergePolicyOf(path).Name,
                    JsonPointer.Find(Base, path), JsonPointer.Find(Theirs, path), JsonPointer.Find(yours, path))),
            ],
        };

        // An edit behind a delete means a record that is there again, with what it held.
        RecordState Then(RecordState held, ParkedOp next) => next.Kind == OpKind.Delete
            ? held with { Deleted = true }
            : new RecordState(Intent.Apply(held.Data, next.Patch, definition), Deleted: false);
    }

    /// <summary>The data of the <c>$conflict</c> record.</summary>
    public JsonObject ToJson() => JsonObject.Of(
        ("conflictId", new JsonString(ConflictId)),
        ("state", new JsonString("open")),
        ("kind", new JsonString(Kind.Info().Slug)),
        ("entity", new JsonString(Slot.Key.Entity)),
        ("id", new JsonString(Slot.Key.Id)),
        ("ops", new JsonArray([.. Ops.Select(op => op.ToJson())])),
        ("by", new JsonString(Slot.Principal)),
        ("device", new JsonString(Slot.Device)),
        ("base", Base),
        ("yours", Yours),
        ("theirs", Theirs),
        ("conflicts", new JsonArray([.. Paths.Select(path => path.ToJson())])));

    /// <summary>The conflict that <see cref="ToJson"/> wrote.</summary>
    public static ParkedConflict FromJson(JsonObject stored)
    {
        var slug = Text(stored, "kind");
        return new ParkedConflict
        {
            ConflictId = Text(stored, "conflictId"),
            Slot = new ConflictSlot(new RecordKey(Text(stored, "entity"), Text(stored, "id")), Text(stored, "by"), Text(stored, "device")),
            Kind = Enum.GetValues<ErrorCode>().First(code => code.Info().Slug == slug),
            Ops = [.. ((JsonArray)stored["ops"]!).Items.Select(op => ParkedOp.FromJson((JsonObject)op))],
            Base = stored["base"] as JsonObject,
            Yours = stored["yours"] as JsonObject,
            Theirs = stored["theirs"] as JsonObject,
            Paths = [.. ((JsonArray)stored["conflicts"]!).Items.Select(path => Explanation.FromJson((JsonObject)path))],
        };
    }

    private static string Text(JsonObject stored, string name) => ((JsonString)stored[name]!).Text;
}
