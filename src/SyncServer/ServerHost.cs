using SyncServer.Accounts;
using SyncServer.Checksums;
using SyncServer.Conflicts;
using SyncServer.Entities;
using SyncServer.Events;
using SyncServer.Http;
using SyncServer.Live;
using SyncServer.Manifest;
using SyncServer.Operators;
using SyncServer.Pull;
using SyncServer.Push;
using SyncServer.Records;
using SyncServer.Retention;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer;

/// <summary>Composes the server.</summary>
public static class ServerHost
{
    /// <summary>Settings are read once, so nobody has to watch the files of a directory, which may be the one that the log is written to.</summary>
    private const string NoReload = "--hostBuilder:reloadConfigOnChange=false";

    /// <summary>A host that is built and not started; <c>ConnectionStrings:Sync</c> may still be set until it is.</summary>
    /// <param name="args">Configuration, as <c>--Key:Sub=value</c>.</param>
    /// <param name="configure">What is added last, for example rules in code (<c>IOpRule</c>).</param>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder([NoReload, .. args]);
        var settings = SyncSettings.Read(builder.Configuration);
        settings.AddTo(builder.Services);
        builder.AddHttp(settings.Limits);
        builder.AddAccounts();
        builder.AddEntities();
        builder.AddStorage();
        builder.AddRetention();
        builder.Services.AddSpaces()
            .AddPush()
            .AddLive()
            .AddPull()
            .AddChecksums()
            .AddManifest()
            .AddEvents()
            .AddRecords()
            .AddConflicts()
            .AddOverview()
            .AddHealth();
        configure?.Invoke(builder);

        var app = builder.Build();
        app.UseHttp();
        app.UseAccounts();
        app.MapHealth();
        app.MapSwagger();
        app.MapSpaces();
        app.MapOverview();
        var space = app.MapGroup("/v1/spaces/{space}");
        space.MapMembers();
        space.MapPush();
        space.MapPull();
        space.MapChecksums();
        space.MapManifest();
        space.MapEvents();
        space.MapRecords();
        space.MapConflicts();
        return app;
    }
}
