using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;

namespace SyncServer.Live;

/// <summary>Opens answers that are server-sent events.</summary>
internal sealed class EventStreams(IOptions<LiveOptions> options, TimeProvider clock, ILogger<EventStream> logger)
{
    public const string ContentType = "text/event-stream";

    /// <summary>Sets headers that keep caches, compression and proxies from holding events back, and writes nothing.</summary>
    public EventStream Open(HttpContext context)
    {
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        // How long a reader may take nothing is the patience's to say. HTTP/2 has no such feature: there the stricter of both holds.
        context.Features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
        var headers = context.Response.Headers;
        headers.ContentType = ContentType;
        headers.CacheControl = "no-store";
        headers["X-Accel-Buffering"] = "no";
        return new EventStream(context, options.Value, clock, logger);
    }
}

/// <summary>
/// Server-sent events (WHATWG HTML, 9.2) as the body of one answer. A call returns when the reader has taken what was written,
/// but for what fits into the connection's buffers: a slow reader holds its writer up, and nothing piles up.
/// </summary>
internal sealed class EventStream(HttpContext context, LiveOptions options, TimeProvider clock, ILogger logger)
{
    /// <summary>Bytes that the reader has to take within the patience: a few packets, so that slow is told from gone.</summary>
    private const int Piece = 16 * 1024;

    private long _writtenAt = clock.GetTimestamp();
    private int _unflushed;

    /// <summary>After which time the reader needs a sign of life; never negative.</summary>
    public TimeSpan SignDue
    {
        get
        {
            var due = options.Heartbeat - clock.GetElapsedTime(_writtenAt);
            return due > TimeSpan.Zero ? due : TimeSpan.Zero;
        }
    }

    /// <summary>Writes a line that readers ignore.</summary>
    public Task CommentAsync(CancellationToken ended)
    {
        Write(":\n\n"u8);
        return FlushAsync(ended);
    }

    /// <summary>
    /// Writes an event whose data is the segments one behind another; they are read until the call returns. With an
    /// <paramref name="id"/> it is the last that a reader names when it comes back. Where the reader takes nothing for as long as
    /// the patience lasts, or <paramref name="ended"/> is cancelled meanwhile, the answer is aborted.
    /// </summary>
    public async Task EventAsync(string name, string? id, IEnumerable<ReadOnlyMemory<byte>> data, CancellationToken ended)
    {
        Write(Encoding.ASCII.GetBytes(id is null ? $"event: {name}\n" : $"event: {name}\nid: {id}\n"));
        Write("data: "u8);
        foreach (var segment in data)
        {
            for (var rest = segment; rest.Length > 0;)
            {
                // Several data lines are one text with line breaks.
                var end = rest.Span.IndexOf((byte)'\n');
                await PiecesAsync(end < 0 ? rest : rest[..end], ended);
                rest = end < 0 ? default : rest[(end + 1)..];
                Write(end < 0 ? default : "\ndata: "u8);
            }
        }

        Write("\n\n"u8);
        await FlushAsync(ended);
    }

    private async Task PiecesAsync(ReadOnlyMemory<byte> line, CancellationToken ended)
    {
        for (; line.Length > 0; line = line[Math.Min(Piece, line.Length)..])
        {
            Write(line.Span[..Math.Min(Piece, line.Length)]);
            if (_unflushed >= Piece)
            {
                await FlushAsync(ended);
            }
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        context.Response.BodyWriter.Write(bytes);
        _unflushed += bytes.Length;
    }

    private async Task FlushAsync(CancellationToken ended)
    {
        _unflushed = 0;
        try
        {
            await context.Response.BodyWriter.FlushAsync(CancellationToken.None).AsTask().WaitAsync(options.ReaderPatience, clock, ended);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
        {
            // What is in the buffers cannot be taken back, and half an event must not look like a whole one.
            context.Abort();
            if (late is TimeoutException)
            {
                Log.SlowReader(logger, options.ReaderPatience.TotalSeconds);
            }

            throw new OperationCanceledException("The reader did not take an event in time.", late, ended);
        }

        _writtenAt = clock.GetTimestamp();
    }
}
