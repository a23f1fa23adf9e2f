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

        var principal = context.Caller().Principal;
        return await directory.FindAsync(principal, space, context.RequestAborted) is { } id
            ? (new SpaceCall(id, principal, device, SyncHeaders.Epoch(context.Request.Headers), Problems.TraceId(context)), null)
            : (null, Access.Refuses(role: null, needed: default));
    }
}
