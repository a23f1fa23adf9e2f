using SyncServer.Core;
using SyncServer.Core.Conflicts;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Push;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Conflicts;

/// <summary><c>POST conflicts/{conflictId}/resolution</c> (protocol 7).</summary>
internal sealed class ResolutionEndpoint(SpaceCalls calls, ConflictQuery query, SpaceTransaction transaction, ServerIdentity identity, PushRules rules, Limits limits)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapPost("/conflicts/{conflictId}/resolution", (HttpContext context, string space, string conflictId, ResolutionEndpoint endpoint) =>
            endpoint.ResolveAsync(context, space, conflictId).OrProblemAsync(context)).WithName("resolveConflict");

    private async Task<Rejection?> ResolveAsync(HttpContext context, string space, string conflictId)
    {
        var headers = context.Request.Headers;
        var noRequest = IdempotencyKey.Require(headers, out var key);
        noRequest ??= SyncHeaders.N(headers, out _);
        _ = SyncHeaders.N(headers, out var n);
        var noPrecondition = WritePreconditions.OfRecord(headers, out var precondition);
        if ((noRequest ?? (noPrecondition is { Code: not ErrorCode.PreconditionRequired } ? noPrecondition : null)) is { } malformed)
        {
            return malformed;
        }

        RequestLog.SetOpId(context, key);
        var (bytes, noBody) = await RequestBody.ReadAsync(context, limits.PushBytesMax);
        var (body, notJson) = noBody is null ? JsonParser.Parse(bytes.Span) : (null, noBody);
        if (notJson is not null)
        {
            return notJson;
        }

        var (choice, patch, noChoice) = ResolutionRequest.Read(body!);
        var (call, unknown) = await calls.ReadAsync(context, space);
        if ((noChoice ?? unknown ?? Intent.Check(patch, "/patch")) is { } refused)
        {
            return refused;
        }

        var fingerprint = Fingerprint.OfRequest(HttpMethods.Post, $"conflicts/{conflictId}/resolution", precondition, body);
        return await RunAsync(context, call!, new KeyedRequest(key, fingerprint), new ResolutionRequest(conflictId, choice, patch, n, precondition));
    }

    private async Task<Rejection?> RunAsync(HttpContext context, SpaceCall call, KeyedRequest keyed, ResolutionRequest request)
    {
        // Which record a conflict is about never changes, so that may be looked up before the lock; its role is checked again under it.
        var found = await query.FindAsync(call.SpaceId, call.Principal, request.ConflictId, context.RequestAborted);
        if (Access.Refuses(found.Role, Role.Writer) is { } refused)
        {
            return refused;
        }

        var records = new HashSet<RecordKey> { Resolution.HolderOf(request.ConflictId) };
        if (found.Exists)
        {
            records.Add(ParkedConflict.FromJson(found.Items[0].Parked).Slot.Key);
        }

        var spec = new LoadSpec(call.SpaceId, call.Principal, call.Device) { OpIds = [keyed.Key], Records = records };
        var planned = rules.Of(call, identity) with { Instance = $"{call.Path}/conflicts/{request.ConflictId}/resolution" };
        var (outcome, rejection) = await transaction.RunAsync(spec, Role.Writer,
            loaded => new Decided<Outcome>(Resolution.Run(loaded.Plan, planned with { Epoch = identity.Epoch }, keyed, request)), context.RequestAborted);
        if (rejection is null)
        {
            await OutcomeResponse.WriteAsync(context, outcome!);
        }

        return rejection;
    }
}
