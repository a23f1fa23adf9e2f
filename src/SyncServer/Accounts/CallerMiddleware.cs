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

    public Task InvokeAsync(HttpContext context) =>
        BearerToken.Span(context.Request) is { IsEmpty: false } token && tokens.Remembered(token) is { } remembered
            ? GoOnAsync(context, remembered)
            : AskAsync(context);

    private async Task AskAsync(HttpContext context) => await GoOnAsync(context, await context.AuthenticateAsync());

    private Task GoOnAsync(HttpContext context, AuthenticateResult result)
    {
        if (result.Succeeded)
        {
            context.User = result.Principal;
            context.Features.Set<IAuthenticateResultFeature>(new Proven { AuthenticateResult = result });
        }

        return next(context);
    }

    private sealed class Proven : IAuthenticateResultFeature
    {
        public AuthenticateResult? AuthenticateResult { get; set; }
    }
}
