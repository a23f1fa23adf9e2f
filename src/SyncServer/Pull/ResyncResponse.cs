using SyncServer.Core;
using SyncServer.Core.Pull;
using SyncServer.Http;

namespace SyncServer.Pull;

/// <summary>410 <c>resync-required</c> with its reason and what the client does now (protocol 5).</summary>
internal static class ResyncResponse
{
    /// <summary>Answers the pull. The plan says in words for machines what the protocol says in sentences.</summary>
    public static Task WriteAsync(HttpContext context, ResyncReason reason, string epoch)
    {
        var isRestored = reason is ResyncReason.Epoch or ResyncReason.Ahead;
        var rejection = new Rejection(ErrorCode.ResyncRequired, reason switch
        {
            ResyncReason.Expired => "Deletes after this cursor are no longer known.",
            ResyncReason.Filter => "The entity filter is another than the cursor's.",
            _ => "The database was restored and has another history than this cursor.",
        });
        return Problems.WriteAsync(context, rejection, writer =>
        {
            writer.WriteString("reason", reason.ToString().ToLowerInvariant());
            writer.WriteString("epoch", epoch);
            writer.WriteStartObject("plan");
            writer.WriteString("outbox", "keep");
            writer.WriteString("pull", "from-start");
            writer.WriteString("undelivered", isRestored ? "send-again" : "drop");
            writer.WriteEndObject();
        });
    }
}
