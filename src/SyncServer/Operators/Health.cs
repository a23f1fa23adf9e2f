using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using SyncServer.Http;

namespace SyncServer.Operators;

/// <summary>The probes of an orchestrator. Anonymous, so they tell no more than an orchestrator needs.</summary>
public static class Health
{
    /// <summary>Registers what <see cref="MapHealth"/> asks. Needs the storage.</summary>
    public static IServiceCollection AddHealth(this IServiceCollection services) => services.AddSingleton<Readiness>();

    /// <summary>
    /// <c>/health/live</c>: the process answers; it asks nobody, so a database that is away restarts no server.
    /// <c>/health/ready</c>: 200 or 503 with each check by name.
    /// </summary>
    public static IEndpointRouteBuilder MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").AllowAnonymous();
        health.WithMetadata(new NeverCompressed());
        health.MapRead("/live", Live).WithName("live");
        health.MapRead("/ready", ReadyAsync).WithName("ready");
        return routes;
    }

    private static JsonHttpResult<HealthReport> Live(HttpResponse response) => Answer(response, new HealthReport([]));

    private static async Task<JsonHttpResult<HealthReport>> ReadyAsync(HttpResponse response, Readiness readiness) =>
        Answer(response, await readiness.CheckAsync());

    private static JsonHttpResult<HealthReport> Answer(HttpResponse response, HealthReport report)
    {
        response.Headers.CacheControl = "no-store";
        var status = report.Status == HealthStatus.Fail ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return TypedResults.Json(report, statusCode: status);
    }
}

/// <summary>The body of a probe.</summary>
public sealed record HealthReport(IReadOnlyList<HealthCheck> Checks)
{
    /// <summary>The worst of the checks.</summary>
    public string Status =>
        Checks.Any(check => check.Status == HealthStatus.Fail) ? HealthStatus.Fail
        : Checks.Any(check => check.Status == HealthStatus.Warn) ? HealthStatus.Warn
        : HealthStatus.Pass;
}

/// <summary>
/// One thing that was looked at. <paramref name="Detail"/> names settings and migrations, never hosts or secrets.
/// </summary>
public sealed record HealthCheck(
    string Name, string Status, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail = null);

/// <summary>The words for a check's status.</summary>
public static class HealthStatus
{
    /// <summary>As it should be.</summary>
    public const string Pass = "pass";

    /// <summary>Works, and is not fit for production.</summary>
    public const string Warn = "warn";

    /// <summary>Requests should go elsewhere.</summary>
    public const string Fail = "fail";
}
