using Serilog;
using Serilog.Events;

namespace SyncServer.Http;

/// <summary>Serilog behind Microsoft.Extensions.Logging.</summary>
internal static class Logs
{
    private const string DevelopmentTemplate = "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <summary>
    /// One JSON object per line on the console, for people in Development; the section <c>Serilog</c> changes levels
    /// and, where it has a <c>WriteTo</c>, the sinks. The framework's own lines begin at Warning: the request log has one per request.
    /// The database libraries are silent: their lines quote statements and messages, which may hold what a user typed, and
    /// whoever catches their exception says what matters.
    /// </summary>
    public static void AddLogs(this WebApplicationBuilder builder)
    {
        var settings = new LoggerConfiguration()
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", LogEventLevel.Information)
            .MinimumLevel.Override("System", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.EntityFrameworkCore", LevelAlias.Off)
            .MinimumLevel.Override("Npgsql", LevelAlias.Off)
            .Enrich.FromLogContext()
            .ReadFrom.Configuration(builder.Configuration);
        var section = builder.Configuration.GetSection("Serilog");
        if (!section.GetSection("WriteTo").Exists())
        {
            if (builder.Environment.IsDevelopment())
            {
                settings.WriteTo.Console(outputTemplate: DevelopmentTemplate);
            }
            else
            {
                var lines = new JsonLines(Console.OpenStandardOutput());
                settings.WriteTo.Sink(lines);
                if (HasLevelsAlone(section))
                {
                    builder.Services.AddSingleton(lines);
                }
            }
        }

        builder.Logging.ClearProviders();
        // Serilog alone decides about levels; Logging:LogLevel can only narrow them.
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        // A scope would be opened for every request, to repeat its path and name its connection on each line. The trace does the same.
        builder.Services.Configure<LoggerFilterOptions>(options => options.CaptureScopes = false);
        var logger = settings.CreateLogger();
        builder.Logging.AddSerilog(logger, dispose: true);
        builder.Services.AddSingleton<Serilog.ILogger>(logger);
    }

    /// <summary>Nothing that would add to a line, filter it or send it elsewhere: the request log may leave Serilog's pipeline out.</summary>
    internal static bool HasLevelsAlone(IConfigurationSection serilog) =>
        serilog.GetChildren().All(child => child.Key.Equals("MinimumLevel", StringComparison.OrdinalIgnoreCase));
}
