using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using Microsoft.AspNetCore.Authorization.Policy;

namespace SyncServer.Accounts;

/// <summary>
/// Evaluates policies as the framework does. That of nearly every route asks for an authenticated caller and nothing else: who is
/// one passes without the framework's handlers, which would be made and awaited for each request. Only they refuse.
/// </summary>
internal sealed class CallerPolicies(IAuthorizationService authorization) : PolicyEvaluator(authorization)
{
    private static readonly Task<PolicyAuthorizationResult> Passed = Task.FromResult(PolicyAuthorizationResult.Success());

    /// <inheritdoc />
    public override Task<PolicyAuthorizationResult> AuthorizeAsync(
        AuthorizationPolicy policy, AuthenticateResult authenticationResult, HttpContext context, object? resource) =>
        policy.Requirements is [DenyAnonymousAuthorizationRequirement] && context.User.Identity is { IsAuthenticated: true }
            ? Passed
            : base.AuthorizeAsync(policy, authenticationResult, context, resource);
}
