using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Pull;
using SyncServer.Http;

namespace SyncServer.Pull;

/// <summary>410 <c>resync-required</c> with its reason and what the client does now (protocol 5).</summary>
internal static class ResyncResponse
{
    /// <summary>Answers the pull.</summary>
    public static Task WriteAsync(HttpContext context, ResyncReason reason, string epoch) =>
        Problems.WriteAsync(context, Of(reason), writer => WritePlan(writer, reason, epoch));

    /// <summary>The problem document alone, for a stream.</summary>
    public static ReadOnlyMemory<byte> Body(HttpContext context, ResyncReason reason, string epoch) =>
        Problems.Body(context, Of(reason), writer => WritePlan(writer, reason, epoch));

    private static Rejection Of(ResyncReason reason) => new(ErrorCode.ResyncRequired, reason switch
    {
        ResyncReason.Expired => "Deletes after this cursor are no longer known.",
        ResyncReason.Filter => "The entity filter is another than the cursor's.",
        _ => "The database was restored and has another history than this cursor.",
    });

    /// <summary>The plan says in words for machines what the protocol says in sentences.</summary>
    private static void WritePlan(Utf8JsonWriter writer, ResyncReason reason, string epoch)
    {
        var isRestored = reason is ResyncReason.Epoch or ResyncReason.Ahead;
        writer.WriteString("reason", reason.ToString().ToLowerInvariant());
        writer.WriteString("epoch", epoch);
        writer.WriteStartObject("plan");
        writer.WriteString("outbox", "keep");
        writer.WriteString("pull", "from-start");
        writer.WriteString("undelivered", isRestored ? "send-again" : "drop");
        writer.WriteEndObject();
    }
}
