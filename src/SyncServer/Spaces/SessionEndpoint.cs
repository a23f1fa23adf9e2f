using System.Text.Json;
using System.Xml;
using SyncServer.Accounts;
using SyncServer.Core;
using SyncServer.Core.Entities;
using SyncServer.Core.Records;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Spaces;

/// <summary><c>GET /v1/session</c>: who calls, in which spaces, and by which rules the server plays (protocol 2 and 8).</summary>
internal sealed class SessionEndpoint(SpaceDirectory directory, SessionSpaces spaces, SessionRules rules, ServerIdentity identity)
{
    /// <summary>Spaces in one answer: nearly everybody's whole list. Anybody may add others to spaces, so it has to end.</summary>
    internal const int SpacesMax = 1_000;

    /// <summary>Maps the route.</summary>
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapRead("/v1/session", (HttpContext context, SessionEndpoint endpoint) => endpoint.GetAsync(context))
            .NeverCompressed()
            .WithName("getSession");

    private async Task GetAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var malformed = PageCursor.Read(query, key => Guid.TryParseExact(key, "D", out _), out var after);
        if ((Paging.Limit(query, SpacesMax, SpacesMax, out var limit) ?? malformed) is { } rejection)
        {
            await Problems.WriteAsync(context, rejection);
            return;
        }

        var caller = context.Caller();
        _ = await directory.FindAsync(caller.Principal, SpaceDirectory.Me, context.RequestAborted);
        var found = await spaces.ReadAsync(caller.Principal, after.Length == 0 ? null : Guid.Parse(after), limit + 1, context.RequestAborted);
        var hasMore = found.Count > limit;
        var session = new Session(caller.Principal, caller.IsOperator, identity.Epoch, rules.Now())
        {
            Spaces = [.. found.Take(limit)],
            HasMore = hasMore,
            Cursor = hasMore ? PageCursor.Encode(found[limit - 1].Id.ToString()) : null,
            Limits = rules.Limits,
            Presets = rules.Presets,
            Retentions = rules.Retentions,
            Entities = rules.Entities,
        };
        context.Response.Headers.CacheControl = "private, no-cache";
        await context.Response.WriteAsJsonAsync(session, context.RequestAborted);
    }
}

/// <summary>What the session publishes that is the same for everybody.</summary>
internal sealed class SessionRules(Limits limits, EntityDefinitions definitions, Presets presets, Retentions retentions, TimeProvider clock)
{
    public Limits Limits => limits;

    public SessionPresets Presets { get; } = new(presets.RetryBaseMs, presets.RetryCapMs, presets.RetryJitter,
        presets.PollIntervalSeconds, XmlConvert.ToString(retentions.IdempotencyRetention));

    public SessionRetentions Retentions { get; } = new(XmlConvert.ToString(retentions.IdempotencyRetention),
        XmlConvert.ToString(retentions.TombstoneRetention), XmlConvert.ToString(retentions.HistoryRetention));

    /// <summary>The definitions as clients read them; they do not change while the server runs.</summary>
    public JsonElement Entities { get; } = JsonElement.Parse(definitions.ToJson().ToUtf8().Span);

    public string Now() => Timestamp.Format(clock.GetUtcNow());
}
