using Microsoft.AspNetCore.Authentication;

namespace SyncServer.Accounts;

/// <summary>
/// Says who calls, where the token proves it. It stands for the framework's authentication middleware, which would look up the
/// schemes and make their handlers for each request; so they are asked only about a token that is not remembered.
/// </summary>
internal sealed class CallerMiddleware(RequestDelegate next, TrustedTokens tokens)
{
    // The framework's middleware leaves this mark, without which a WebApplication puts it in front of everything.
    private const string IsSet = "__AuthenticationMiddlewareSet";

    public static void Use(WebApplication app)
    {
        ((IApplicationBuilder)app).Properties[IsSet] = true;
        app.UseMiddleware<CallerMiddleware>();
    }

    public async Task InvokeAsync(HttpContext context)
    {
        var remembered = BearerToken.Read(context.Request).Text is { } token ? tokens.Remembered(token) : null;
        var result = remembered ?? await context.AuthenticateAsync();
        if (result.Succeeded)
        {
            context.User = result.Principal;
            context.Features.Set<IAuthenticateResultFeature>(new Proven { AuthenticateResult = result });
        }

        await next(context);
    }

    private sealed class Proven : IAuthenticateResultFeature
    {
        public AuthenticateResult? AuthenticateResult { get; set; }
    }
}
