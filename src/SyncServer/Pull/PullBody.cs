using System.Text.Json;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>How a page looks on the wire.</summary>
internal sealed class PullBody(ServerIdentity identity)
{
    /// <summary>The ETag of every page of a space whose head is where it was on this one.</summary>
    public string ETag(PullPage page) => $"\"{identity.Epoch[..8]}-{page.Head}\"";

    /// <summary>A page with its paging members.</summary>
    public void Write(Utf8JsonWriter writer, Pulled.Found found)
    {
        writer.WriteStartObject();
        WriteChanges(writer, found.Page);
        writer.WriteString("cursor", found.Next.Encode(identity.CursorKey.Span));
        writer.WriteBoolean("hasMore", found.Page.HasMore);
        writer.WriteString("epoch", identity.Epoch);
        writer.WriteEndObject();
    }

    private static void WriteChanges(Utf8JsonWriter writer, PullPage page)
    {
        writer.WriteStartArray("changes");
        foreach (var change in page.Changes)
        {
            change.WriteTo(writer);
        }

        writer.WriteEndArray();
    }
}
