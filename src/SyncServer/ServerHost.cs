using SyncServer.Accounts;
using SyncServer.Core;
using SyncServer.Http;
using SyncServer.Operators;
using SyncServer.Pull;
using SyncServer.Push;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer;

/// <summary>Composes the server.</summary>
public static class ServerHost
{
    /// <summary>A host that is built and not started; <c>ConnectionStrings:Sync</c> may still be set until it is.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        var limits = new Limits();
        builder.AddHttp(limits);
        builder.AddAccounts();
        builder.AddStorage();
        builder.Services.AddSingleton(limits);
        builder.Services.AddSingleton<SpaceTransaction>();
        builder.Services.AddSingleton<SpaceDirectory>();
        builder.Services.AddSingleton<SpaceCalls>();
        builder.Services.AddSingleton<PushTransaction>();
        builder.Services.AddSingleton<PushEndpoint>();
        builder.Services.AddSingleton<PullQuery>();
        builder.Services.AddSingleton<PullEndpoint>();
        builder.Services.AddHealth();

        var app = builder.Build();
        app.UseHttp();
        app.UseAccounts();
        app.MapHealth();
        app.MapSwagger();
        var space = app.MapGroup("/v1/spaces/{space}");
        PushEndpoint.Map(space);
        PullEndpoint.Map(space);
        return app;
    }
}
