using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using SyncServer.Accounts;
using SyncServer.Core;
using SyncServer.Core.Json;
using SyncServer.Core.Pull;
using SyncServer.Core.Records;
using SyncServer.Http;
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

    /// <summary>
    /// Large answers that one principal has being written at once: a page for each of a person's devices, and room for what was
    /// given up and is not noticed yet. Each holds up to two mebibytes until its client has taken it.
    /// </summary>
    public const int LargeAnswersMax = 16;

    /// <summary>Pulls of one principal that wait for one of those places: each costs a connection, and no page.</summary>
    public const int LargeAnswersWaiting = 256;

    private static readonly byte[] Opening = "{\"changes\":"u8.ToArray();

    // In place of the brace that the paging members begin with as an object of their own.
    private static readonly byte[] Separator = [(byte)','];

    /// <summary>Places for pages that are <see cref="IsLarge"/>.</summary>
    public PrincipalPlaces LargeAnswers { get; } = new(LargeAnswersMax, LargeAnswersWaiting);

    /// <summary>Whether a page is larger than a slice: smaller ones hold less than the connection does.</summary>
    public static bool IsLarge(PullPage page) => page.Changes.Json.Length > SliceBytes;

    /// <summary>The ETag of every page of a space whose head is where it was on this one.</summary>
    public string ETag(PullPage page) => $"\"{identity.Epoch[..8]}-{page.Head}\"";

    /// <summary>The token of a cursor.</summary>
    public string Token(Cursor cursor) => cursor.Encode(identity.CursorKey.Span);

    /// <summary>
    /// A page as the data of an event, in segments, so that no second copy of it is made: its cursor is the event's id, and
    /// whether there is more, the next event tells.
    /// </summary>
    /// <param name="changes">The changes as a JSON array.</param>
    /// <param name="epoch">The epoch of the page.</param>
    public static ReadOnlyMemory<byte>[] Event(ReadOnlyMemory<byte> changes, string epoch)
    {
        var after = Members(writer => writer.WriteString("epoch", epoch));
        return [Opening, changes, Separator, after[1..]];
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

        await response.StartAsync(context.RequestAborted);
        await WriteAsync(response.BodyWriter, changes, after[1..], context.RequestAborted);
    }

    private static async Task WriteAsync(
        PipeWriter body, ReadOnlyMemory<byte> changes, ReadOnlyMemory<byte> after, CancellationToken cancellation)
    {
        body.Write(Opening);
        for (; changes.Length > SliceBytes; changes = changes[SliceBytes..])
        {
            await body.WriteAsync(changes[..SliceBytes], cancellation);
        }

        body.Write(changes.Span);
        body.Write(Separator);
        body.Write(after.Span);
        await body.FlushAsync(cancellation);
    }

    /// <summary>What stands behind the changes of an answer.</summary>
    private ReadOnlyMemory<byte> PagingMembers(Pulled.Found found) => Members(writer =>
    {
        writer.WriteString("cursor", Token(found.Next));
        writer.WriteBoolean("hasMore", found.Page.HasMore);
        writer.WriteString("epoch", found.Epoch);
        if (found.Page is { HasMore: false, Checksums: { } checksums })
        {
            WriteChecksums(writer, checksums);
        }
    });

    /// <summary>An object of its own, whose first brace the separator stands in for.</summary>
    private static ReadOnlyMemory<byte> Members(Action<Utf8JsonWriter> write) => JsonText.Write(writer =>
    {
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
    });

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
