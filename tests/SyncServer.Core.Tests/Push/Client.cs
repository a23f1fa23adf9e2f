using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;

namespace SyncServer.Core.Tests.Push;

/// <summary>A device of a principal. Its ops are about the record <c>r</c> of the entity <c>note</c> unless they say otherwise.</summary>
internal sealed class Client(Space space, string principal, string device)
{
    public string Principal { get; } = principal;

    public string Device { get; } = device;

    /// <summary>The epoch that it sends with its writes.</summary>
    public string? Epoch { get; init; }

    public PushContext Context => new()
    {
        Principal = Principal,
        Device = Device,
        Epoch = Space.Epoch,
        ClientEpoch = Epoch,
        SpacePath = Space.Path,
        TraceId = "trace",
        Limits = space.Limits,
        Definitions = space.Definitions,
        Rules = space.Rules,
    };

    public Answer Create(string opId, string patch, string more = "", string id = "r") => One($$"""{{Head(opId, "create", id)}},"patch":{{patch}}{{more}}}""");

    public Answer Update(string opId, long baseRev, string patch, string more = "") =>
        One($$"""{{Head(opId, "update", "r")}},"baseRev":{{baseRev}},"patch":{{patch}}{{more}}}""");

    public Answer Delete(string opId, long baseRev, string more = "") => One($$"""{{Head(opId, "delete", "r")}},"baseRev":{{baseRev}}{{more}}}""");

    public Answer Restore(string opId, long baseRev, string more = "") => One($$"""{{Head(opId, "restore", "r")}},"baseRev":{{baseRev}}{{more}}}""");

    /// <summary>An op as it stands in a body, alone.</summary>
    public Answer One(string op, Precondition? ifMatch = null) => Run(Context, Item(op, ifMatch))[0];

    /// <summary>Ops as they stand in a batch.</summary>
    public IReadOnlyList<Answer> Batch(params string[] ops) => Run(Context, [.. ops.Select(op => Item(op))]);

    public IReadOnlyList<Answer> Atomic(params string[] ops) => Run(Context with { Atomic = true }, [.. ops.Select(op => Item(op))]);

    public IReadOnlyList<Answer> DryRun(params string[] ops) => Run(Context with { DryRun = true }, [.. ops.Select(op => Item(op))]);

    /// <summary>A write by the plain HTTP routes.</summary>
    public Answer Http(string opId, OpKind kind, Precondition? precondition, string? patch = null, bool replaces = false) =>
        Http(opId, kind, precondition, (new RecordKey("note", "r"), null, replaces), patch);

    /// <summary>The same with a counter (<c>Sync-N</c>), to any record.</summary>
    public Answer Http(string opId, OpKind kind, Precondition? precondition, (RecordKey Key, long? N, bool Replaces) write, string? patch)
    {
        var (key, n, replaces) = write;
        var body = patch is null ? JsonObject.Empty : Worlds.Parsed(patch);
        return Run(Context, new PushItem(new Op
        {
            OpId = opId,
            Key = key,
            Kind = kind,
            Patch = body,
            Replaces = replaces,
            N = n,
            Precondition = precondition,
            IsPlainHttp = true,
            Fingerprint = Fingerprint.OfRequest(kind.ToString(), key.ToString(), precondition, body),
        }, opId, null))[0];
    }

    /// <summary>Resolves a conflict; without another precondition it holds for the record as it is.</summary>
    public Answer Resolve(string key, JsonValue conflict, string choice, string? patch = null, Precondition? precondition = null)
    {
        var id = space.ConflictId(((JsonString)conflict).Text);
        var about = Conflicts.ParkedConflict.FromJson(space.Holder(id)).Slot.Key;
        precondition ??= space.Find(about.Id) is { } current ? Precondition.Exactly(current.Rev) : Precondition.NotExists;
        var body = Worlds.Parsed($$"""{"choice":"{{choice}}","patch":{{patch ?? "null"}}}""");
        var (choiceOf, patchOf, rejection) = Conflicts.ResolutionRequest.Read(body);
        Assert.Null(rejection);
        var keyed = new KeyedRequest(key, Fingerprint.OfRequest("POST", $"conflicts/{id}/resolution", precondition, body));
        return new Answer(space, space.Resolve(Context with { Instance = $"{Space.Path}/conflicts/{id}/resolution" }, keyed,
            new Conflicts.ResolutionRequest(id, choiceOf, patchOf, null, precondition)));
    }

    public static string Head(string opId, string kind, string id) =>
        $$"""{"opId":"{{opId}}","entity":"note","entityId":"{{id}}","kind":"{{kind}}" """;

    private static PushItem Item(string op, Precondition? ifMatch = null)
    {
        var (parsed, opId, rejection) = OpParser.Parse(Worlds.ParsedValue(op), null, ifMatch);
        return new PushItem(parsed, opId, rejection);
    }

    private Answer[] Run(PushContext context, params PushItem[] items) =>
        [.. space.Push(context, items).Select(outcome => new Answer(space, outcome))];
}

/// <summary>The answer to one op.</summary>
internal sealed record Answer(Space Space, Outcome Outcome)
{
    /// <summary>The body, with conflict ids named C1, C2 …</summary>
    public JsonObject Body => Worlds.Parsed(Space.Named(System.Text.Encoding.UTF8.GetString(Outcome.Body.Span)));

    /// <summary>Status and result, or status and the slug of the problem.</summary>
    public string Summary => Body["type"] is JsonString type
        ? $"{Outcome.Status} {type.Text.Replace("/problems/", "", StringComparison.Ordinal)}"
        : $"{Outcome.Status} {((JsonString)Body["result"]!).Text}";

    public JsonValue? this[string pointer] => JsonPointer.Find(Body, pointer);

    /// <summary>The whole body of a success.</summary>
    public void Is(int status, string body)
    {
        Same(Worlds.Parsed(body), Body);
        Assert.Equal(status, Outcome.Status);
        Assert.Equal(JsonNumber.Of(status), Body["status"]);
        Assert.Equal($"\"rev-{Outcome.Rev}\"", Outcome.ETag);
    }

    /// <summary>A problem document whose members beyond the standard ones are <paramref name="more"/>.</summary>
    public void IsProblem(ErrorCode code, bool stored, string more = "{}")
    {
        var info = code.Info();
        string[] standard = ["type", "title", "status", "detail", "instance", "traceId", "opId"];
        Assert.Equal(info.Type, (Body["type"] as JsonString)?.Text);
        Assert.Equal((info.Status, stored), (Outcome.Status, Outcome.IsStored));
        Same(JsonObject.Of(("type", new JsonString(info.Type)), ("title", new JsonString(info.Title)), ("status", JsonNumber.Of(info.Status)),
                ("instance", new JsonString(Space.Path + "/sync/ops")), ("traceId", new JsonString("trace"))),
            JsonObject.Of(Body.Members.Where(m => standard.Contains(m.Key) && m.Key is not ("detail" or "opId")).Select(m => (m.Key, (JsonValue?)m.Value))));
        Assert.NotNull(Body["opId"]);
        Same(Worlds.Parsed(more), JsonObject.Of(Body.Members.Where(m => !standard.Contains(m.Key)).Select(m => (m.Key, (JsonValue?)m.Value))));
    }

    /// <summary>JSON equality, with both texts in the message.</summary>
    public static void Same(JsonObject expected, JsonObject actual)
    {
        if (!expected.Equals(actual))
        {
            Assert.Fail($"Expected: {expected}\nActual:   {actual}");
        }
    }
}

/// <summary>Envelopes as literals.</summary>
internal static class Envelope
{
    public static string Live(long rev, string by, string opId, string data) =>
        $$"""{"entity":"note","id":"r","rev":{{rev}},"deleted":false,"updatedAtServer":"2026-11-20T10:15:00.123Z","updatedBy":"{{by}}","opId":"{{opId}}","data":{{data}}}""";

    public static string Tombstone(long rev, string by, string opId) =>
        $$"""{"entity":"note","id":"r","rev":{{rev}},"deleted":true,"updatedAtServer":"2026-11-20T10:15:00.123Z","updatedBy":"{{by}}","opId":"{{opId}}"}""";
}
