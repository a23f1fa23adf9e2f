using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Serilog;
using Serilog.Events;
using SyncServer.Core;
using SyncServer.Http;

namespace SyncServer.Tests.Http;

public sealed class RequestLineTests
{
    private static readonly string?[] Texts =
    [
        null, "", "GET", "/v1/spaces/me/sync/ops", "/%C3%BC?&+'<>`", "say \"hello\" \\ and \\\"", "tab\tline\nfeed\r\b\f\u0001\u007f", "für 日本",
        "\U0001F600", "lone \ud83d and \ude00", new string('x', 3_000), new string('"', 300),
    ];

    [Fact]
    public void Written_directly_a_line_has_the_bytes_that_its_event_has()
    {
        var random = new Random(1);
        using var direct = new MemoryStream();
        using var viaSerilog = new MemoryStream();
        using (var lines = new JsonLines(direct))
        using (var log = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(new JsonLines(viaSerilog)).CreateLogger())
        {
            var events = log.ForContext<RequestLog>();
            for (var i = 0; i < 20_000; i++)
            {
                var line = Any(random);
                lines.Write(line);
                events.Write(line.ToEvent());
            }
        }

        Assert.Equal(Lines(viaSerilog), Lines(direct));
    }

    [Theory]
    [InlineData(true, "Production", "Serilog:MinimumLevel", "Debug")]
    [InlineData(true, "Production", "Serilog:MinimumLevel:Override:SyncServer", "Debug")]
    [InlineData(true, "Production", "Other", "value")]
    [InlineData(false, "Development", "Other", "value")]
    [InlineData(false, "Production", "Serilog:WriteTo:0:Name", "Console")]
    [InlineData(false, "Production", "Serilog:Properties:Region", "eu")]
    [InlineData(false, "Production", "Serilog:Enrich:0", "FromLogContext")]
    public async Task A_line_goes_straight_to_the_console_where_nothing_but_levels_is_configured(bool straight, string environment, string key, string value)
    {
        await using var app = Host(environment, (key, value)).Build();
        Assert.Equal(straight, app.Services.GetService<JsonLines>() is not null);
    }

    [Fact]
    public async Task A_line_that_goes_straight_says_what_was_answered_and_keeps_to_the_levels()
    {
        using var output = new MemoryStream();
        var builder = Host("Production", ("Serilog:MinimumLevel:Override:SyncServer.Http.RequestLog", "Warning"));
        builder.Services.AddSingleton(new JsonLines(output));
        await using (var app = builder.Build())
        {
            var pipeline = new ApplicationBuilder(app.Services);
            pipeline.UseMiddleware<RequestLog>();
            pipeline.Run(context =>
            {
                RequestLog.SetOpId(context, "op-7");
                context.Response.StatusCode = int.Parse(context.Request.Headers["Status"].ToString());
                return Task.CompletedTask;
            });
            var answer = pipeline.Build();
            foreach (var status in (int[])[200, 404, 503])
            {
                await answer(Request(status));
            }
        }

        var line = Assert.Single(Lines(output));
        Assert.Matches(
            """^\{"Timestamp":"[^"]+","Level":"Warning","RenderedMessage":"\\u0022PUT\\u0022 \\u0022/a%20b\\u0022 answered 503 in \d+\.\d ms """
            + """\(route null, principal null, op \\u0022op-7\\u0022, client \\u0022notes/1\\u0022, attempt 2, outbox null, trace \\u0022t-1\\u0022\)","Properties":"""
            + """\{"Method":"PUT","Path":"/a%20b","Status":503,"Elapsed":[\d.]+,"Route":null,"Principal":null,"OpId":"op-7","Client":"notes/1","Attempt":2"""
            + ""","Outbox":null,"TraceId":"t-1","EventId":\{"Id":1,"Name":"Request"\},"SourceContext":"SyncServer.Http.RequestLog"\}\}$""",
            line);
    }

    private static DefaultHttpContext Request(int status)
    {
        var context = new DefaultHttpContext { TraceIdentifier = "t-1" };
        context.Request.Method = "PUT";
        context.Request.Path = "/a b";
        context.Request.Headers["Status"] = status.ToString();
        context.Request.Headers["Sync-Client"] = "notes/1";
        context.Request.Headers["Sync-Attempt"] = "2";
        return context;
    }

    private static WebApplicationBuilder Host(string environment, (string Key, string Value) setting)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create(setting.Key, (string?)setting.Value)]);
        builder.AddHttp(new Limits());
        return builder;
    }

    /// <summary>Times of all lengths, of which one to an hour with every digit, and texts that need every kind of escape.</summary>
    private static RequestLine Any(Random random) => new()
    {
        Timestamp = new DateTimeOffset(2026, 11, 28, 1, 2, 3, TimeSpan.FromMinutes(random.Next(-840, 841)))
            .AddTicks(random.Next(3) == 0 ? 0 : random.Next(10_000_000) / Ten(random) * Ten(random)),
        Level = (LogEventLevel)random.Next(1, 4),
        Method = Text(random) ?? "GET",
        Path = Text(random) ?? "/",
        Status = random.Next(100, 600),
        Elapsed = TimeSpan.FromTicks(random.NextInt64(Ten(random) * 36_000L) / Ten(random) * Ten(random)),
        Route = Text(random),
        Principal = Text(random),
        OpId = Text(random),
        Client = Text(random),
        Attempt = random.Next(2) == 0 ? null : random.NextInt64(Limits.MaxSafeInteger),
        Outbox = random.Next(2) == 0 ? null : random.Next(20),
        TraceId = Text(random) ?? "0",
    };

    private static int Ten(Random random) => (int)Math.Pow(10, random.Next(7));

    private static string? Text(Random random) => Texts[random.Next(3) == 0 ? random.Next(Texts.Length) : random.Next(4)];

    private static string[] Lines(MemoryStream output) => Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
