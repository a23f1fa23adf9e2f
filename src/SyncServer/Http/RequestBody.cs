using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>Reads a JSON body whole: its declared type, its coding and its size are checked, its JSON is not.</summary>
internal static class RequestBody
{
    public const string Json = "application/json";
    public const string MergePatch = "application/merge-patch+json";

    private const string AcceptedCodings = "gzip, br";

    /// <summary>In blocks of which the shared pool keeps as many as a few bodies need; it would throw most of its small ones away.</summary>
    private static readonly StreamPipeReaderOptions Decoded = new(bufferSize: 64 * 1024, leaveOpen: true);

    private enum Coding
    {
        Identity,
        Gzip,
        Brotli,
    }

    /// <summary>
    /// The decompressed body, at most <paramref name="maxBytes"/> long and the caller's to keep, or why there is
    /// none: 400 (empty, corrupt), 413 (too large, compressed or not), 415 (other type, charset or coding; the answer's headers
    /// then say what would do, RFC 9110 15.5.16).
    /// </summary>
    public static async ValueTask<(ReadOnlyMemory<byte> Body, Rejection? Rejection)> ReadAsync(
        HttpContext context, int maxBytes, string mediaType = Json)
    {
        var request = context.Request;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return (default, Empty());
        }

        if (!IsOfType(request, mediaType))
        {
            var accept = HttpMethods.IsPatch(request.Method) ? "Accept-Patch" : HeaderNames.Accept;
            context.Response.Headers[accept] = mediaType;
            return (default, new Rejection(ErrorCode.UnsupportedMediaType, $"The body must be {mediaType} in UTF-8."));
        }

        if (FindCoding(request) is not { } coding)
        {
            context.Response.Headers.AcceptEncoding = AcceptedCodings;
            return (default, new Rejection(ErrorCode.UnsupportedMediaType, "The body may have one coding: gzip or br."));
        }

        if (request.ContentLength > maxBytes)
        {
            return (default, TooLarge(maxBytes));
        }

        var body = await DecodeAsync(context, coding, maxBytes);
        return body is { Rejection: null, Body.Length: 0 } ? (default, Empty()) : body;
    }

    private static async ValueTask<(ReadOnlyMemory<byte> Body, Rejection? Rejection)> DecodeAsync(
        HttpContext context, Coding coding, int maxBytes)
    {
        // Whole before it is decompressed: a body that decompresses to nothing, or to too much, is refused while the connection
        // is in order. Kestrel's own limit would end it with bytes unread, and the client may then never see the answer.
        var (sent, rejection) = await ReadToEndAsync(context.Request.BodyReader, maxBytes, context.RequestAborted);
        if (rejection is not null || coding == Coding.Identity)
        {
            return (sent, rejection);
        }

        try
        {
            await using var bytes = new MemoryStream(sent, writable: false);
            await using Stream source = coding == Coding.Gzip
                ? new GZipStream(bytes, CompressionMode.Decompress)
                : new BrotliStream(bytes, CompressionMode.Decompress);
            var decoded = PipeReader.Create(source, Decoded);
            try
            {
                return await ReadToEndAsync(decoded, maxBytes, context.RequestAborted);
            }
            finally
            {
                // Its blocks go back, whatever came of the body.
                await decoded.CompleteAsync();
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            // BrotliStream reports corrupt input as an InvalidOperationException.
            return (default, new Rejection(ErrorCode.InvalidRequest, "The compressed body is corrupt or cut off."));
        }
    }

    private static async ValueTask<(byte[] Body, Rejection? Rejection)> ReadToEndAsync(
        PipeReader source, int maxBytes, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await source.ReadAsync(cancellation);
            if (read.Buffer.Length > maxBytes)
            {
                source.AdvanceTo(read.Buffer.End);
                return ([], TooLarge(maxBytes));
            }

            if (read.IsCompleted)
            {
                // A copy of its own: an op may wait in a queue after its request has ended.
                var body = read.Buffer.ToArray();
                source.AdvanceTo(read.Buffer.End);
                return (body, null);
            }

            // Seen and kept, in blocks of its memory, whatever Content-Length claims.
            source.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static bool IsOfType(HttpRequest request, string mediaType) =>
        // Nearly all say no more than that.
        request.ContentType == mediaType
        || MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue
            || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    /// <summary>Null for a coding that is not taken, and for two codings on top of each other.</summary>
    private static Coding? FindCoding(HttpRequest request) =>
        request.Headers.ContentEncoding.ToString().ToLowerInvariant().Trim() switch
        {
            "" or "identity" => Coding.Identity,
            "gzip" or "x-gzip" => Coding.Gzip,
            "br" => Coding.Brotli,
            _ => null,
        };

    private static Rejection Empty() => new(ErrorCode.InvalidRequest, "The body is empty.");

    private static Rejection TooLarge(int maxBytes) =>
        new(ErrorCode.TooLarge, $"The body is over {maxBytes} bytes, compressed or decompressed.");
}
