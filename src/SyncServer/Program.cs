using SyncServer.Core;
using SyncServer.Http;

var builder = WebApplication.CreateBuilder(args);
builder.AddHttp(new Limits());

var app = builder.Build();
app.UseHttp();
app.UseRateLimits();
app.Run();
