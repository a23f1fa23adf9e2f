using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Manifest;

/// <summary><c>POST sync/manifest</c> (protocol 5): a read whose question does not fit into a path. It changes nothing and needs no key.</summary>
internal sealed class ManifestEndpoint(SpaceCalls calls, ManifestQuery query, Limits limits)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapPost("/sync/manifest", (HttpContext context, string space, ManifestEndpoint endpoint) =>
            endpoint.AnswerAsync(context, space).OrProblemAsync(context)).WithName("postManifest");

    private async Task<Rejection?> AnswerAsync(HttpContext context, string space)
    {
        var (bytes, rejection) = await RequestBody.ReadAsync(context, limits.PushBytesMax);
        var opIds = rejection is null ? OpIds(bytes, out rejection) : [];
        if (rejection is not null)
        {
            return rejection;
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        var (role, decided) = await query.ReadAsync(call!.SpaceId, call.Principal, opIds, context.RequestAborted);
        if (Access.Refuses(role, Role.Reader) is { } refused)
        {
            return refused;
        }

        await JsonResponse.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartObject("results");
            foreach (var opId in opIds)
            {
                Write(writer, opId, decided.TryGetValue(opId, out var op) ? op : null);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }, "no-store");
        return null;
    }

    /// <summary>The ids that are asked about, each once, in the order of the request.</summary>
    private IReadOnlyCollection<string> OpIds(ReadOnlyMemory<byte> bytes, out Rejection? rejection)
    {
        (var body, rejection) = JsonParser.Parse(bytes.Span);
        rejection ??= (body as JsonObject)?["opIds"] switch
        {
            JsonArray { Items.Count: var count } when count > limits.ManifestMax =>
                Rejection.At("/opIds", $"A manifest has at most {limits.ManifestMax} ids.", ErrorCode.TooLarge),
            JsonArray => null,
            _ => Rejection.At("/opIds", "A manifest is an object with a list of op ids."),
        };
        if (rejection is not null)
        {
            return [];
        }

        var items = ((JsonArray)((JsonObject)body!)["opIds"]!).Items;
        var errors = items.Select((item, at) => (item, at)).Where(each => each.item is not JsonString { Text: var id } || !RecordKey.IsOpId(id))
            .Select(each => new FieldError($"/opIds/{each.at}", NoOpId)).ToList();
        rejection = errors.Count == 0 ? null : new Rejection(ErrorCode.InvalidRequest, NoOpId) { Errors = errors };
        return [.. items.OfType<JsonString>().Select(id => id.Text).Distinct(StringComparer.Ordinal)];
    }

    private static string NoOpId { get; } = $"An op id is a string of 1 to {Limits.KeyLength} printable ASCII characters.";

    private static void Write(Utf8JsonWriter writer, string opId, DecidedOp? op)
    {
        writer.WriteStartObject(opId);
        writer.WriteString("state", (op?.State ?? OutcomeState.Unknown).Name());
        if (op is { } decided)
        {
            writer.WriteNumber("status", decided.Status);
        }

        if (op?.Rev is { } rev)
        {
            writer.WriteNumber("rev", rev);
        }

        writer.WriteEndObject();
    }
}
