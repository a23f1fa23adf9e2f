using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace SyncServer.Http;

/// <summary>Answers in br or gzip, where the client takes one of them and it pays; decision 10 says what stays as it is.</summary>
internal static class Compression
{
    /// <summary>
    /// Registers the codings. The quickest level of each: pages are made for one reader and sent once, and most of what can
    /// be won is won there.
    /// </summary>
    public static void AddCompression(this IServiceCollection services)
    {
        services.AddResponseCompression(options =>
        {
            // Proxies end TLS, so the server could not tell anyhow; what must not be compressed is left out by route.
            options.EnableForHttps = true;
            // Without text/event-stream: an event would wait in the coder for the next.
            options.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, Problems.ContentType];
            options.Providers.Add<BrotliCompressionProvider>();
            options.Providers.Add<GzipCompressionProvider>();
        });
        services.Configure<BrotliCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest);
        services.Configure<GzipCompressionProviderOptions>(options => options.Level = CompressionLevel.Fastest);
        services.AddSingleton<IResponseCompressionProvider, CompressionRules>();
    }

    /// <summary>Answers of the route are never compressed: they hold what others may choose beside what they may not know.</summary>
    public static RouteHandlerBuilder NeverCompressed(this RouteHandlerBuilder route) => route.WithMetadata(new NeverCompressed());
}

/// <summary>Marks a route whose answers go as they are: probes too, which are small and asked for all the time.</summary>
internal sealed class NeverCompressed;

/// <summary>Which answers are compressed.</summary>
internal sealed class CompressionRules(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
    : ResponseCompressionProvider(services, options)
{
    /// <summary>Below it an answer fits into one packet, compressed or not.</summary>
    private const int LeastBytes = 1024;

    /// <summary>Whether this answer, as far as its headers are set, goes compressed to who takes that.</summary>
    public override bool ShouldCompressResponse(HttpContext context) =>
        context.Response.ContentLength is not < LeastBytes
        && !IsRecord(context)
        && context.GetEndpoint()?.Metadata.GetMetadata<NeverCompressed>() is null
        && base.ShouldCompressResponse(context);

    /// <summary>
    /// Says in the headers what the coding means for caches. To be called as the answer starts, when it is known whether
    /// there is one.
    /// </summary>
    public void Complete(HttpContext context)
    {
        var headers = context.Response.Headers;
        var isCompressed = headers.ContentEncoding.Count > 0;
        if (!isCompressed && ShouldCompressResponse(context))
        {
            ResponseHeaders.Vary(headers, HeaderNames.AcceptEncoding);
            if (HttpMethods.IsHead(context.Request.Method) && CheckRequestAcceptsCompression(context))
            {
                // As the GET would have it, whose length is only known once it is made (RFC 9110, 9.3.2).
                context.Response.ContentLength = null;
                isCompressed = true;
            }
        }

        if (isCompressed && IsRead(context) && headers.ETag.ToString() is ['"', ..] strong)
        {
            // A strong tag names the bytes; these are others for each coding (RFC 9110, 8.8.1).
            headers.ETag = "W/" + strong;
        }
    }

    /// <summary>
    /// Writes send back the tag of a record that was read, which only counts if it is strong, so that must be the same
    /// whoever reads it, and so must the bytes. The answer to a write has the tag of the record too; it does not name the answer's bytes.
    /// </summary>
    private static bool IsRecord(HttpContext context) => IsRead(context) && RecordETag.TryParse(context.Response.Headers.ETag.ToString(), out _);

    private static bool IsRead(HttpContext context) => HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
}
