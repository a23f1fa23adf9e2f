using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Http;
using SyncServer.Push;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary><c>POST /v1/spaces</c> and <c>DELETE /v1/spaces/{space}</c> (protocol 2).</summary>
internal sealed class SpacesEndpoint(SpaceCalls calls, SpaceDirectory directory, SpaceCreation creation, SpaceErasure erasure)
{
    public const string Path = "/v1/spaces";

    /// <summary>A name or a role, and members that a later client may add.</summary>
    internal const int BodyBytesMax = 16 * 1024;

    /// <summary>Maps both routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path, (HttpContext context, SpacesEndpoint endpoint) => endpoint.CreateAsync(context))
            .WithName("createSpace");
        routes.MapDelete(Path + "/{space}", (HttpContext context, string space, SpacesEndpoint endpoint) => endpoint.EraseAsync(context, space))
            .WithName("eraseSpace");
    }

    private async Task CreateAsync(HttpContext context)
    {
        var (body, rejection) = await ReadJsonAsync(context);
        rejection = IdempotencyKey.Require(context.Request.Headers, out var key) ?? rejection;
        var name = rejection is null ? Name(body!, out rejection) : null;
        SpaceCall? call = null;
        if (rejection is null)
        {
            (call, rejection) = await calls.ReadAsync(context, SpaceDirectory.Me);
        }

        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var request = new KeyedRequest(key, Fingerprint.OfRequest(HttpMethods.Post, Path, precondition: null, body));
        await WriteAsync(context, await creation.RunAsync(call!, request, name!, context.RequestAborted));
    }

    private async Task EraseAsync(HttpContext context, string space)
    {
        var rejection = IdempotencyKey.Require(context.Request.Headers, out var key);
        await WriteAsync(context, rejection is null ? await EraseAsync(context, space, key) : (null, rejection));
    }

    private async Task<(Outcome? Outcome, Rejection? Rejection)> EraseAsync(HttpContext context, string space, string key)
    {
        // The key is for the space as it was named: of a repeat that erased me, me is another space than the first time.
        var request = new KeyedRequest(key, Fingerprint.OfRequest(HttpMethods.Delete, $"{Path}/{space}", precondition: null, body: null));
        for (SpaceCall? last = null; ;)
        {
            var (call, rejection) = await calls.ReadAsync(context, SpaceDirectory.Me);
            if (rejection is not null)
            {
                return (null, rejection);
            }

            // Asked twice, me may be two spaces: an erasure that ran in between.
            var target = space == SpaceDirectory.Me
                ? call!.SpaceId
                : await directory.FindAsync(call!.Principal, space, context.RequestAborted);
            if (target is null)
            {
                return (null, Access.Refuses(role: null, needed: default));
            }

            var answer = await erasure.RunAsync(call, target.Value, request, context.RequestAborted);
            if (answer.Rejection is null || call.SpaceId == last?.SpaceId)
            {
                return answer;
            }

            last = call;
        }
    }

    /// <summary>The body of a request about spaces and members.</summary>
    internal static async Task<(JsonValue? Body, Rejection? Rejection)> ReadJsonAsync(HttpContext context)
    {
        var (bytes, rejection) = await RequestBody.ReadAsync(context, BodyBytesMax);
        return rejection is null ? JsonParser.Parse(bytes.Span) : (null, rejection);
    }

    /// <summary>Answers with what was decided, or with why nothing was.</summary>
    internal static Task WriteAsync(HttpContext context, (Outcome? Outcome, Rejection? Rejection) decided) =>
        decided.Rejection is { } refused ? Problems.WriteAsync(context, refused) : OutcomeResponse.WriteAsync(context, decided.Outcome!);

    private static string? Name(JsonValue body, out Rejection? rejection)
    {
        var name = ((body as JsonObject)?["name"] as JsonString)?.Text;
        var isValid = name is { Length: >= 1 and <= Limits.SpaceNameLength } && !name.Any(char.IsControl);
        rejection = isValid
            ? null
            : Rejection.At("/name", $"name is a string of 1 to {Limits.SpaceNameLength} characters without control characters.");
        return name;
    }
}
