using Microsoft.Extensions.Options;

namespace SyncServer.Accounts;

/// <summary>Refuses settings under which nobody or anybody could call. Each error names the key and the remedy.</summary>
internal sealed class AuthOptionsRules(IHostEnvironment environment) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        string[] errors =
            [.. DevTokenErrors(options), .. SignedTokenErrors(options), .. FetchErrors(options), .. KeyErrors(options)];
        return errors.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static bool HasKeys(AuthOptions options) => options.JwksUri is not null || options.Keys.Count > 0;

    private IEnumerable<string> DevTokenErrors(AuthOptions options)
    {
        if (options.DevTokens is true && !environment.IsDevelopment())
        {
            yield return $"Auth:DevTokens is on and the environment is {environment.EnvironmentName}: anybody could be anybody. "
                + "Remove the key, or run with ASPNETCORE_ENVIRONMENT=Development.";
        }

        if (options.DevTokens is not true && !HasKeys(options))
        {
            yield return "Auth:JwksUri and Auth:Keys are empty and development tokens are off, so nobody could call. "
                + "Set Auth:JwksUri to the key set address of the identity provider, or give keys under Auth:Keys.";
        }
    }

    private static IEnumerable<string> SignedTokenErrors(AuthOptions options)
    {
        if (HasKeys(options) && options.AllIssuers().Count == 0)
        {
            yield return "Auth:Issuer is empty: set it to the exact iss of the tokens (or Auth:Issuers to several).";
        }

        if (HasKeys(options) && options.AllAudiences().Count == 0)
        {
            yield return "Auth:Audience is empty: set it to the aud of tokens for this server (or Auth:Audiences to several).";
        }

        if (string.IsNullOrEmpty(options.AdminClaim))
        {
            yield return "Auth:AdminClaim is empty: name the claim that holds roles, or remove the key for 'role'.";
        }

        if (string.IsNullOrEmpty(options.AdminValue))
        {
            yield return "Auth:AdminValue is empty: name the role that makes an operator, or remove the key for 'admin'.";
        }
    }

    private IEnumerable<string> FetchErrors(AuthOptions options)
    {
        if (options.JwksUri is { } uri && !IsFetchable(uri))
        {
            yield return $"Auth:JwksUri is '{uri}': give an absolute https address; plain http is for Development only.";
        }

        if (options.MinimumRefreshInterval <= TimeSpan.Zero)
        {
            yield return "Auth:MinimumRefreshInterval is not above zero: give a time span such as 00:00:30.";
        }

        if (options.RefreshInterval < options.MinimumRefreshInterval || options.RefreshInterval > AuthLimits.RefreshInterval)
        {
            yield return "Auth:RefreshInterval is out of range: give a time span from Auth:MinimumRefreshInterval to "
                + $"{AuthLimits.RefreshInterval.TotalDays:0} days, such as 01:00:00.";
        }
    }

    private bool IsFetchable(Uri uri) => uri.IsAbsoluteUri
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && environment.IsDevelopment()));

    private static IEnumerable<string> KeyErrors(AuthOptions options)
    {
        for (var i = 0; i < options.Keys.Count; i++)
        {
            if (!ConfiguredKey.TryRead(options.Keys[i], out _, out var error))
            {
                yield return $"Auth:Keys:{i}:{error}";
            }
        }
    }
}
