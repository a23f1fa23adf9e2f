using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using SyncServer.Http;

namespace SyncServer.Accounts;

/// <summary>Wires authentication and authorization into the server.</summary>
public static class AccountsComposition
{
    /// <summary>The default scheme: it only looks at the token's shape and forwards.</summary>
    private const string ByShape = "Bearer";

    /// <summary>
    /// Every route needs an authenticated caller unless it says otherwise, so a forgotten route is closed. The host
    /// does not start with settings that <see cref="AuthOptionsRules"/> refuses.
    /// </summary>
    public static WebApplicationBuilder AddAccounts(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<AuthOptions>()
            .BindConfiguration(AuthOptions.Section)
            .PostConfigure<IHostEnvironment>((options, environment) => options.DevTokens ??= environment.IsDevelopment())
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsRules>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<JwksFeed>();
        services.AddHostedService(provider => provider.GetRequiredService<JwksFeed>());
        services.AddSingleton<KeyRing>();
        services.AddSingleton<SignedTokens>();
        services.AddSingleton<TokenClaims>();
        services.AddSingleton<TrustedTokens>();

        // AddAuthentication would also make and store keys for cookies, which nothing here has.
        services.AddAuthenticationCore(options => options.DefaultScheme = ByShape);
        services.AddWebEncoders();
        new AuthenticationBuilder(services)
            .AddPolicyScheme(ByShape, displayName: null, options => options.ForwardDefaultSelector = SchemeOf)
            .AddScheme<AuthenticationSchemeOptions, DevTokenHandler>(DevTokenHandler.Scheme, configureOptions: null)
            .AddScheme<AuthenticationSchemeOptions, SignedTokenHandler>(SignedTokenHandler.Scheme, configureOptions: null);

        var authenticated = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build();
        services.AddAuthorizationBuilder()
            .SetDefaultPolicy(authenticated)
            .SetFallbackPolicy(authenticated)
            .AddPolicy(Policies.Operator, policy => policy.RequireAuthenticatedUser().RequireRole(Caller.AdminRole));
        return builder;
    }

    /// <summary>Stands before every endpoint and before anything that looks something up.</summary>
    public static WebApplication UseAccounts(this WebApplication app)
    {
        CallerMiddleware.Use(app);
        // A bucket belongs to a principal, so it stands behind the authentication.
        app.UseRateLimits();
        CallerPolicies.Use(app);
        return app;
    }

    private static string SchemeOf(HttpContext context)
    {
        var options = context.RequestServices.GetRequiredService<IOptions<AuthOptions>>().Value;
        return options.DevTokens is true && DevToken.IsShapeOf(BearerToken.Read(context.Request).Text)
            ? DevTokenHandler.Scheme
            : SignedTokenHandler.Scheme;
    }
}
