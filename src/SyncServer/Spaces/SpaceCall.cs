using SyncServer.Accounts;
using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary>Who asks what of which space: the part of a request that every route under a space shares.</summary>
internal sealed record SpaceCall(Guid SpaceId, string Principal, string Device, string? ClientEpoch, string TraceId)
{
    /// <summary>The path under which the space's records are located; it names the space by its id, never by <c>me</c>.</summary>
    public string Path => $"/v1/spaces/{SpaceId}";

    /// <summary>The context of a plan for this call.</summary>
    public PushContext Context(ServerIdentity identity, Limits limits) => new()
    {
        Principal = Principal,
        Device = Device,
        Epoch = identity.Epoch,
        ClientEpoch = ClientEpoch,
        SpacePath = Path,
        TraceId = TraceId,
        Limits = limits,
    };
}

/// <summary>Reads a <see cref="SpaceCall"/> from a request.</summary>
internal sealed class SpaceCalls(SpaceDirectory directory)
{
    /// <summary>The call, or why it is none: a malformed header, or a space that cannot exist.</summary>
    public async ValueTask<(SpaceCall? Call, Rejection? Rejection)> ReadAsync(HttpContext context, string space)
    {
        if (SyncHeaders.Device(context.Request.Headers, out var device) is { } malformed)
        {
            return (null, malformed);
        }

        return await directory.FindAsync(context.Caller().Principal, space, context.RequestAborted) is { } id
            ? (Call(context, id, device), null)
            : (null, Access.Refuses(role: null, needed: default));
    }

    /// <summary>
    /// Answers a call. <c>me</c> is taken from memory where it is known, which saves the look-up; that a call so made found
    /// no space, or a cursor of another one, stands only where the space still is the caller's. <paramref name="ask"/> may
    /// therefore run twice, and must have done nothing where it refuses. Other refusals are as good from memory, and cost
    /// a server without time no look-up.
    /// </summary>
    public async ValueTask<(T? Answer, Rejection? Rejection)> AskAsync<T>(
        HttpContext context, string space, Func<SpaceCall, Task<(T? Answer, Rejection? Rejection)>> ask)
    {
        var remembered = space == SpaceDirectory.Me ? directory.Remembered(context.Caller().Principal) : null;
        if (remembered is { } known && SyncHeaders.Device(context.Request.Headers, out var device) is null)
        {
            var answer = await ask(Call(context, known, device));
            if (answer.Rejection?.Code is not (ErrorCode.NotFound or ErrorCode.InvalidCursor) || await directory.FindAsync(context.Caller().Principal, space, context.RequestAborted) == known)
            {
                return answer;
            }
        }

        var (call, rejection) = await ReadAsync(context, space);
        return rejection is null ? await ask(call!) : (default, rejection);
    }

    private static SpaceCall Call(HttpContext context, Guid id, string device) =>
        new(id, context.Caller().Principal, device, SyncHeaders.Epoch(context.Request.Headers), Problems.TraceId(context));
}
