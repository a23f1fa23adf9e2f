using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>
/// What every request passes. The order in <see cref="ServerHost"/>: <c>UseHttp</c>, then <c>UseAccounts</c>, which
/// calls <see cref="UseRateLimits"/> behind the authentication (it needs the principal), then the endpoints.
/// </summary>
internal static class HttpSetup
{
    /// <summary>Where the server listens where nobody says so: for this machine only, at the port that the image has too.</summary>
    private const string DefaultUrl = "http://localhost:8080";

    /// <summary>A pull's request line names up to 100 entities of 64 characters, and its cursor may carry as much.</summary>
    private const int RequestLineBytes = 32 * 1024;

    /// <summary>A large token, a list of entity-tags and traces fit; more is no client of ours.</summary>
    private const int HeaderBytes = 32 * 1024;

    /// <summary>Several times what browsers and proxies send.</summary>
    private const int HeaderCount = 100;

    /// <summary>
    /// Bytes beyond the limit that are still read and thrown away: most clients write their whole body before they
    /// read, and one whose connection is cut while it writes never sees its 413.
    /// </summary>
    private const int RefusedBodyBytes = 32 * 1024 * 1024;

    /// <summary>A phone on a bad network sends its headers within this; who takes longer holds a connection for nothing.</summary>
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Longer than the usual poll interval of a client in use, so that it need not shake hands again.</summary>
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(130);

    /// <summary>
    /// How fast an answer has to be taken: below it even the slowest mobile network is of no use, and the page of somebody who
    /// takes nothing is free again after minutes, not hours. Counted only while bytes wait to be taken; a phone in a tunnel
    /// comes back within the grace. Streams have a patience of their own.
    /// </summary>
    private static readonly MinDataRate ResponseRate = new(bytesPerSecond: 8 * 1024, gracePeriod: TimeSpan.FromSeconds(10));

    public static void AddHttp(this WebApplicationBuilder builder, Limits limits)
    {
        builder.AddLogs();
        builder.Services.AddCompression();
        var settings = builder.Configuration;
        if (settings[WebHostDefaults.ServerUrlsKey] is null && settings[WebHostDefaults.HttpPortsKey] is null
            && settings[WebHostDefaults.HttpsPortsKey] is null)
        {
            builder.WebHost.UseUrls(DefaultUrl);
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Any bytes reach the parsers, whose refusal is a problem document; Kestrel's would have no body.
            kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = HeaderBytes;
            kestrel.Limits.MaxRequestHeaderCount = HeaderCount;
            kestrel.Limits.MaxRequestBodySize = limits.PushBytesMax + (long)RefusedBodyBytes;
            kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
            kestrel.Limits.KeepAliveTimeout = KeepAlive;
            kestrel.Limits.MinResponseDataRate = ResponseRate;
        });
        // A parameter that cannot be bound is a bare 400 in every environment, never an exception that quotes it.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = false);
        if (RateLimit.From(builder.Configuration, builder.Environment.IsDevelopment()) is { } limit)
        {
            builder.Services.AddSingleton(_ => new RateLimits(limit));
        }
    }

    /// <summary>Request log, response headers, compression, problems, routing; then the problem pages are mapped.</summary>
    public static void UseHttp(this WebApplication app)
    {
        app.UseMiddleware<RequestLog>();
        app.UseResponseHeaders();
        app.UseResponseCompression();
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        app.MapProblems();
    }

    /// <summary>Nothing where no limit is configured.</summary>
    public static void UseRateLimits(this WebApplication app)
    {
        if (app.Services.GetService<RateLimits>() is { } limits)
        {
            app.Use(limits.InvokeAsync);
        }
    }
}
