using System.Buffers;
using System.IO.Pipelines;
using System.Text;
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

    /// <summary>The ETag of every page of a space whose head is where it was on this one.</summary>
    public string ETag(PullPage page) => $"\"{identity.Epoch[..8]}-{page.Head}\"";

    /// <summary>Writes a page with its paging members as the body of an answer; HEAD gets its length alone.</summary>
    public async Task WriteAsync(HttpContext context, Pulled.Found found)
    {
        var response = context.Response;
        var changes = found.Page.Changes.Json;
        var (before, after) = ("""{"changes":"""u8.ToArray(), PagingMembers(found));
        response.ContentType = "application/json";
        response.ContentLength = before.Length + changes.Length + after.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        var body = response.BodyWriter;
        await response.StartAsync(context.RequestAborted);
        body.Write(before);
        for (; changes.Length > SliceBytes; changes = changes[SliceBytes..])
        {
            await body.WriteAsync(changes[..SliceBytes], context.RequestAborted);
        }

        body.Write(changes.Span);
        body.Write(after);
        await body.FlushAsync(context.RequestAborted);
    }

    // Neither the token nor the epoch has a character that JSON escapes.
    private byte[] PagingMembers(Pulled.Found found) => Encoding.ASCII.GetBytes(
        $$"""
        ,"cursor":"{{found.Next.Encode(identity.CursorKey.Span)}}","hasMore":{{(found.Page.HasMore ? "true" : "false")}},"epoch":"{{identity.Epoch}}"}
        """);
}
