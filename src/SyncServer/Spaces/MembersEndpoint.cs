using Microsoft.AspNetCore.Http.Features;
using SyncServer.Accounts;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary><c>members</c> of a space (protocol 2).</summary>
internal sealed class MembersEndpoint(SpaceCalls calls, MemberList list, MemberTransaction transaction, Limits limits)
{
    /// <summary>Maps the three routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space)
    {
        space.MapRead("/members", (HttpContext context, string space, MembersEndpoint endpoint) => endpoint.ListAsync(context, space))
            .WithName("listMembers");
        space.MapPut("/members/{principal}", (HttpContext context, string space, string principal, MembersEndpoint endpoint) =>
            endpoint.PutAsync(context, space, principal)).WithName("putMember");
        space.MapDelete("/members/{principal}", (HttpContext context, string space, string principal, MembersEndpoint endpoint) =>
            endpoint.ChangeAsync(context, space, new Member(principal, Role: null), body: null)).WithName("removeMember");
    }

    private async Task ListAsync(HttpContext context, string space)
    {
        var query = context.Request.Query;
        var malformed = PageCursor.Read(query, principal => Accounts.Caller.IsPrincipal(principal), out var after);
        var rejection = Paging.Limit(query, limits.PullPageDefault, limits.PullPageMax, out var limit) ?? malformed;
        SpaceCall? call = null;
        if (rejection is null)
        {
            (call, rejection) = await calls.ReadAsync(context, space);
        }

        var page = rejection is null ? await list.ReadAsync(call!, after, limit, context.RequestAborted) : null;
        rejection ??= page is null ? Access.Refuses(role: null, Role.Reader) : null;
        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        context.Response.Headers.CacheControl = "private, no-cache";
        await context.Response.WriteAsJsonAsync(page, context.RequestAborted);
    }

    private async Task PutAsync(HttpContext context, string space, string principal)
    {
        var (body, rejection) = await SpacesEndpoint.ReadJsonAsync(context);
        var role = Roles.Parse(((body as JsonObject)?["role"] as JsonString)?.Text ?? "");
        rejection ??= role is null ? Rejection.At("/role", "role is reader, writer or owner.") : null;
        await (rejection is null
            ? ChangeAsync(context, space, new Member(principal, role), body)
            : Problems.WriteAsync(context, rejection));
    }

    private async Task ChangeAsync(HttpContext context, string space, Member routed, JsonValue? body)
    {
        var principal = Unescaped(context, routed.Principal);
        var rejection = IdempotencyKey.Require(context.Request.Headers, out var key)
            ?? (principal is not null && Accounts.Caller.IsPrincipal(principal) ? null : new Rejection(
                ErrorCode.InvalidRequest, $"A principal is 1 to {Limits.PrincipalLength} characters of UTF-8 without control characters."));
        SpaceCall? call = null;
        if (rejection is null)
        {
            (call, rejection) = await calls.ReadAsync(context, space);
        }

        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var member = routed with { Principal = principal! };
        var route = MemberTransaction.PathOf(call!, member.Principal);
        var request = new KeyedRequest(key, Fingerprint.OfRequest(context.Request.Method, route, precondition: null, body));
        await SpacesEndpoint.WriteAsync(context, await transaction.RunAsync(call!, member, request, context.RequestAborted));
    }

    /// <summary>
    /// The web server decodes the path, but for an encoded slash and for bytes that are no UTF-8, which then look as if they
    /// were encoded twice. Only the request line tells them apart. Null where it holds bytes that are no UTF-8.
    /// </summary>
    private static string? Unescaped(HttpContext context, string routed)
    {
        if (!routed.Contains('%'))
        {
            return routed;
        }

        var path = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0].TrimEnd('/');
        var principal = path[(path.LastIndexOf('/') + 1)..];
        // What cannot be decoded stays as it is. Without the encoded percent signs, a sign that is left belongs to that.
        var isUtf8 = !Uri.UnescapeDataString(principal.Replace("%25", "_", StringComparison.Ordinal)).Contains('%');
        return isUtf8 ? Uri.UnescapeDataString(principal) : null;
    }
}
