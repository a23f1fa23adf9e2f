using Microsoft.AspNetCore.Authorization;

namespace SyncServer.Accounts;

/// <summary>
/// The framework's authorization, without its work where it has nothing to decide: nearly every route asks for an authenticated caller
/// and nothing else, as the fallback policy does, and who is one passes. Whoever is none, and every route with a demand of its own,
/// goes through the framework, so only it refuses.
/// </summary>
internal static class CallerPolicies
{
    // The framework's middleware leaves this mark, without which a WebApplication puts it in front of everything.
    private const string IsSet = "__AuthorizationMiddlewareSet";

    public static void Use(WebApplication app)
    {
        ((IApplicationBuilder)app).Properties[IsSet] = true;
        app.UseWhen(static context => !Passes(context), framework => framework.UseAuthorization());
    }

    private static bool Passes(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true } && (context.GetEndpoint() is not { } endpoint || !HasDemands(endpoint.Metadata));

    /// <summary>The three ways in which a route can ask for more than an authenticated caller.</summary>
    private static bool HasDemands(EndpointMetadataCollection route) =>
        route.GetMetadata<IAuthorizeData>() is not null
        || route.GetMetadata<AuthorizationPolicy>() is not null
        || route.GetMetadata<IAuthorizationRequirementData>() is not null;
}
