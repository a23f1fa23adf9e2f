using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using SyncServer.Core.Pull;
using SyncServer.Core.Records;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>How a page looks on the wire.</summary>
internal sealed class PullBody(ServerIdentity identity)
{
    /// <summary>
    /// Bytes that are handed over before the client has to have taken some: what Kestrel holds of an answer anyhow, so that
    /// of a slow reader's page no second copy piles up there.
    /// </summary>
    private const int SliceBytes = 64 * 1024;

    // A cursor, an epoch and their names.
    private const int PagingBytes = 512;

    private static ReadOnlySpan<byte> Opening => "{\"changes\":"u8;

    // In place of the brace that the paging members begin with as an object of their own.
    private static ReadOnlySpan<byte> Separator => ","u8;

    /// <summary>The ETag of every page of a space whose head is where it was on this one.</summary>
    public string ETag(PullPage page) => $"\"{identity.Epoch[..8]}-{page.Head}\"";

    /// <summary>The token of a cursor.</summary>
    public string Token(Cursor cursor) => cursor.Encode(identity.CursorKey.Span);

    /// <summary>A page as the data of an event: its cursor is the event's id, and whether there is more, the next event tells.</summary>
    /// <param name="changes">The changes as a JSON array.</param>
    public ReadOnlyMemory<byte> Event(ReadOnlyMemory<byte> changes)
    {
        var written = new ArrayBufferWriter<byte>(changes.Length + PagingBytes);
        using var writer = new Utf8JsonWriter(written);
        writer.WriteStartObject();
        writer.WritePropertyName("changes");
        writer.WriteRawValue(changes.Span, skipInputValidation: true);
        writer.WriteString("epoch", identity.Epoch);
        writer.WriteEndObject();
        writer.Flush();
        return written.WrittenMemory;
    }

    /// <summary>The problem document of a pull whose cursor does not hold.</summary>
    public ReadOnlyMemory<byte> Resync(HttpContext context, ResyncReason reason) => ResyncResponse.Body(context, reason, identity.Epoch);

    /// <summary>Writes a page with its paging members as the body of an answer; HEAD gets its length alone.</summary>
    public async Task WriteAsync(HttpContext context, Pulled.Found found)
    {
        var response = context.Response;
        var changes = found.Page.Changes.Json;
        var after = PagingMembers(found);
        response.ContentType = "application/json";
        response.ContentLength = Opening.Length + changes.Length + after.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        var body = response.BodyWriter;
        await response.StartAsync(context.RequestAborted);
        body.Write(Opening);
        for (; changes.Length > SliceBytes; changes = changes[SliceBytes..])
        {
            await body.WriteAsync(changes[..SliceBytes], context.RequestAborted);
        }

        body.Write(changes.Span);
        body.Write(Separator);
        body.Write(after.Span[1..]);
        await body.FlushAsync(context.RequestAborted);
    }

    /// <summary>What stands behind the changes, the closing brace included.</summary>
    private ReadOnlyMemory<byte> PagingMembers(Pulled.Found found)
    {
        var written = new ArrayBufferWriter<byte>(PagingBytes);
        using var writer = new Utf8JsonWriter(written);
        writer.WriteStartObject();
        writer.WriteString("cursor", Token(found.Next));
        writer.WriteBoolean("hasMore", found.Page.HasMore);
        writer.WriteString("epoch", found.Epoch);
        if (found.Page is { HasMore: false, Checksums: { } checksums })
        {
            WriteChecksums(writer, checksums);
        }

        writer.WriteEndObject();
        writer.Flush();
        return written.WrittenMemory;
    }

    private static void WriteChecksums(Utf8JsonWriter writer, SortedDictionary<string, Checksum> checksums)
    {
        writer.WriteStartObject("checksums");
        foreach (var (entity, checksum) in checksums)
        {
            writer.WriteStartObject(entity);
            checksum.WriteMembers(writer);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
