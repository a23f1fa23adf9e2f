using System.Text.Json;
using SyncServer.Core.Pull;
using SyncServer.Core.Records;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>How a page looks on the wire.</summary>
internal sealed class PullBody(ServerIdentity identity)
{
    /// <summary>The ETag of every page of a space whose head is where it was on this one.</summary>
    public string ETag(PullPage page) => $"\"{identity.Epoch[..8]}-{page.Head}\"";

    /// <summary>The token of a cursor.</summary>
    public string Token(Cursor cursor) => cursor.Encode(identity.CursorKey.Span);

    /// <summary>A page with its paging members.</summary>
    public void Write(Utf8JsonWriter writer, Pulled.Found found)
    {
        writer.WriteStartObject();
        WriteChanges(writer, found.Page.Changes);
        writer.WriteString("cursor", Token(found.Next));
        writer.WriteBoolean("hasMore", found.Page.HasMore);
        writer.WriteString("epoch", identity.Epoch);
        writer.WriteEndObject();
    }

    /// <summary>A page as the data of an event: its cursor is the event's id, and whether there is more, the next event tells.</summary>
    public void WriteEvent(Utf8JsonWriter writer, IReadOnlyList<SyncRecord> changes)
    {
        writer.WriteStartObject();
        WriteChanges(writer, changes);
        writer.WriteString("epoch", identity.Epoch);
        writer.WriteEndObject();
    }

    /// <summary>The problem document of a pull whose cursor does not hold.</summary>
    public ReadOnlyMemory<byte> Resync(HttpContext context, ResyncReason reason) => ResyncResponse.Body(context, reason, identity.Epoch);

    private static void WriteChanges(Utf8JsonWriter writer, IReadOnlyList<SyncRecord> changes)
    {
        writer.WriteStartArray("changes");
        foreach (var change in changes)
        {
            change.WriteTo(writer);
        }

        writer.WriteEndArray();
    }
}
