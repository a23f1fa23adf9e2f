namespace SyncServer.Accounts;

/// <summary>
/// The authorization policies by name. Routes that name none need an authenticated caller; anonymous ones say so
/// with <c>AllowAnonymous</c>.
/// </summary>
public static class Policies
{
    /// <summary>An authenticated caller with the admin role.</summary>
    public const string Operator = "operator";
}
