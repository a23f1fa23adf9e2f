using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Http;
using SyncServer.Push;
using SyncServer.Spaces;

namespace SyncServer.Records;

/// <summary>
/// <c>PUT</c>, <c>PATCH</c> and <c>DELETE records/{entity}/{id}</c> and <c>POST …/restore</c> (protocol 6): strict ops,
/// which are decided and stored like any other and never merged or parked.
/// </summary>
internal sealed class RecordWrites(SpaceCalls calls, PushTransaction transaction, Limits limits)
{
    private static readonly Verb Put = new(HttpMethods.Put, OpKind.Update) { MediaType = RequestBody.Json, Replaces = true };
    private static readonly Verb Patch = new(HttpMethods.Patch, OpKind.Update) { MediaType = RequestBody.MergePatch };
    private static readonly Verb Delete = new(HttpMethods.Delete, OpKind.Delete);
    private static readonly Verb Restore = new(HttpMethods.Post, OpKind.Restore);

    /// <summary>What a method means. Where no body is expected, one that came is not looked at.</summary>
    private sealed record Verb(string Method, OpKind Kind)
    {
        public string? MediaType { get; init; }

        public bool Replaces { get; init; }
    }

    /// <summary>Maps the four routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space)
    {
        const string Record = "/records/{entity}/{id}";
        space.MapPut(Record, Handler(Put)).WithName("putRecord");
        space.MapPatch(Record, Handler(Patch)).WithName("patchRecord");
        space.MapDelete(Record, Handler(Delete)).WithName("deleteRecord");
        space.MapPost(Record + "/restore", Handler(Restore)).WithName("restoreRecord");
    }

    private static Delegate Handler(Verb verb) => (HttpContext context, string space, string entity, string id, RecordWrites writes) =>
        writes.WriteAsync(context, space, (entity, id), verb).OrProblemAsync(context);

    private async Task<Rejection?> WriteAsync(HttpContext context, string space, (string Entity, string Id) address, Verb verb)
    {
        var headers = context.Request.Headers;
        if (RecordAddress.ForWrite(address.Entity, address.Id, out var key) is { } noRecord)
        {
            return noRecord;
        }

        if (IdempotencyKey.Require(headers, out var opId) is { } noKey)
        {
            return noKey;
        }

        RequestLog.SetOpId(context, opId);
        if (SyncHeaders.N(headers, out var n) is { } noCounter)
        {
            return noCounter;
        }

        // A restore needs no precondition. One that is missing elsewhere is told after the role and a repeat were looked up.
        var missing = verb.Kind == OpKind.Restore
            ? WritePreconditions.OfOp(headers, out var precondition)
            : WritePreconditions.OfRecord(headers, out precondition);
        if (missing is { Code: not ErrorCode.PreconditionRequired })
        {
            return missing;
        }

        var (body, noBody) = await ReadBodyAsync(context, verb);
        if (noBody is not null)
        {
            return noBody;
        }

        var op = AsOp(verb, key, precondition, body) with { OpId = opId, N = n };
        return await DecideAsync(context, space, new PushItem(op, opId, missing ?? CheckOperators(verb, op)));
    }

    private async Task<Rejection?> DecideAsync(HttpContext context, string space, PushItem item)
    {
        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var request = new PushRequest([item]) { Instance = $"{call!.Path}/{RouteOf(item.Op!.Key, item.Op.Kind)}" };
        var (outcomes, rejection) = await transaction.RunAsync(call, request, context.RequestAborted);
        if (rejection is null)
        {
            await OutcomeResponse.WriteAsync(context, outcomes![0]);
        }

        return rejection;
    }

    /// <summary>The op of a request. It has one form for <c>me</c> and for the space's id, as its key has.</summary>
    private static Op AsOp(Verb verb, RecordKey key, Precondition? precondition, JsonObject? body)
    {
        return new Op
        {
            OpId = "",
            Key = key,
            Kind = verb.Replaces && precondition is { MustExist: false } ? OpKind.Create : verb.Kind,
            Patch = body ?? JsonObject.Empty,
            Replaces = verb.Replaces,
            Precondition = precondition,
            IsPlainHttp = true,
            Fingerprint = Fingerprint.OfRequest(verb.Method, RouteOf(key, verb.Kind), precondition, body),
        };
    }

    private static string RouteOf(RecordKey key, OpKind kind) =>
        $"records/{key.Entity}/{key.Id}{(kind == OpKind.Restore ? "/restore" : "")}";

    /// <summary>In the data of a PUT nothing is an operator.</summary>
    private static Rejection? CheckOperators(Verb verb, Op op) => verb.Replaces ? null : Intent.Check(op.Patch, "");

    private async Task<(JsonObject? Body, Rejection? Rejection)> ReadBodyAsync(HttpContext context, Verb verb)
    {
        if (verb.MediaType is null)
        {
            return (null, null);
        }

        var (bytes, rejection) = await RequestBody.ReadAsync(context, limits.PushBytesMax, verb.MediaType);
        if (rejection is not null)
        {
            return (null, rejection);
        }

        var (body, notJson) = JsonParser.Parse(bytes.Span);
        return body is JsonObject members
            ? (members, null)
            : (null, notJson ?? Rejection.At("", "The body is a JSON object."));
    }
}
