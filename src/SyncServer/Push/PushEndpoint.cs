using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Http;
using SyncServer.Spaces;

namespace SyncServer.Push;

/// <summary><c>POST sync/ops</c> and <c>POST sync/batch</c> (protocol 3).</summary>
internal sealed class PushEndpoint(SpaceCalls calls, PushTransaction transaction, Limits limits)
{
    /// <summary>Maps the two routes under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space)
    {
        var endpoint = space.Shared<PushEndpoint>();
        space.MapPost("/sync/ops", (HttpContext context, string space) => endpoint.Value.OneAsync(context, space))
            .WithName("pushOp");
        space.MapPost("/sync/batch", (HttpContext context, string space) => endpoint.Value.BatchAsync(context, space))
            .WithName("pushBatch");
    }

    private async Task OneAsync(HttpContext context, string space)
    {
        var headers = context.Request.Headers;
        var (body, size, rejection) = await ReadJsonAsync(context);
        var badKey = IdempotencyKey.Read(headers, out var key);
        var badPrecondition = WritePreconditions.OfOp(headers, out var ifMatch);
        rejection = badKey ?? badPrecondition ?? rejection;
        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var item = Item(body!, key, ifMatch);
        if (item.Rejection is { Code: ErrorCode.IdempotencyKeyMissing } noKey)
        {
            // Not an outcome of any op: the answer links to what the key is for.
            await Problems.WriteAsync(context, noKey);
            return;
        }

        if (item.OpId is { } opId)
        {
            RequestLog.SetOpId(context, opId);
        }

        var (outcomes, refused) = await RunAsync(context, space, new PushRequest([item]) { Bytes = size });
        await (refused is null ? OutcomeResponse.WriteAsync(context, outcomes![0]) : Problems.WriteAsync(context, refused));
    }

    private async Task BatchAsync(HttpContext context, string space)
    {
        var (body, size, rejection) = await ReadJsonAsync(context);
        var request = rejection is null ? Batch(body!, out rejection) : null;
        if (rejection is not null)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var (outcomes, refused) = await RunAsync(context, space, request! with { Bytes = size });
        await (refused is null ? WriteResultsAsync(context, outcomes!) : Problems.WriteAsync(context, refused));
    }

    private ValueTask<(IReadOnlyList<Outcome>? Outcomes, Rejection? Rejection)> RunAsync(HttpContext context, string space, PushRequest request) =>
        calls.AskAsync(context, space, call => transaction.RunAsync(call, request, context.RequestAborted));

    private async ValueTask<(JsonValue? Body, int Size, Rejection? Rejection)> ReadJsonAsync(HttpContext context)
    {
        var (bytes, unread) = await RequestBody.ReadAsync(context, limits.PushBytesMax);
        var (body, rejection) = unread is null ? JsonParser.Parse(bytes.Span) : (null, unread);
        return (body, bytes.Length, rejection);
    }

    private static PushItem Item(JsonValue body, string? key, Precondition? ifMatch)
    {
        var (op, opId, rejection) = OpParser.Parse(body, key, ifMatch);
        return new PushItem(op, opId, rejection);
    }

    private PushRequest? Batch(JsonValue body, out Rejection? rejection)
    {
        var members = body as JsonObject;
        rejection = members?["ops"] switch
        {
            JsonArray { Items.Count: 0 } => Rejection.At("/ops", "A batch has at least one op."),
            JsonArray { Items.Count: var count } when count > limits.PushBatchMax =>
                Rejection.At("/ops", $"A batch has at most {limits.PushBatchMax} ops.", ErrorCode.TooLarge),
            JsonArray => Flag(members!, "atomic") is null ? Rejection.At("/atomic", "atomic is true or false.")
                : Flag(members!, "dryRun") is null ? Rejection.At("/dryRun", "dryRun is true or false.") : null,
            _ => Rejection.At("/ops", "A batch is an object with a list of ops."),
        };
        return rejection is not null ? null : new PushRequest([.. ((JsonArray)members!["ops"]!).Items.Select(op => Item(op, null, null))])
        {
            Atomic = Flag(members, "atomic") == true,
            DryRun = Flag(members, "dryRun") == true,
        };
    }

    /// <summary>A flag that is absent or null is off; null stands for something that is no flag.</summary>
    private static bool? Flag(JsonObject members, string name) => members[name] is not { } value || value.Equals(JsonLiteral.Null)
        ? false
        : value is JsonLiteral ? value.Equals(JsonLiteral.True) : null;

    private static async Task WriteResultsAsync(HttpContext context, IReadOnlyList<Outcome> outcomes)
    {
        var response = context.Response;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        await using var writer = new Utf8JsonWriter(response.BodyWriter, JsonText.Options);
        writer.WriteStartObject();
        writer.WriteStartArray("results");
        foreach (var outcome in outcomes)
        {
            writer.WriteRawValue(outcome.Replayed ? WithReplayed(outcome.Body.Span) : outcome.Body.Span, skipInputValidation: true);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        await writer.FlushAsync(context.RequestAborted);
    }

    /// <summary>The stored object with one more member; its own bytes stay as they are.</summary>
    private static ReadOnlySpan<byte> WithReplayed(ReadOnlySpan<byte> body) => (byte[])[.. body[..^1], .. ",\"replayed\":true}"u8];
}
