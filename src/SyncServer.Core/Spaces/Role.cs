namespace SyncServer.Core.Spaces;

/// <summary>What a member may do in a space; each includes the one before. The numbers are stored.</summary>
public enum Role
{
    /// <summary>Pull, read records and conflicts, list members, post a manifest.</summary>
    Reader = 1,

    /// <summary>Push ops and resolve conflicts.</summary>
    Writer = 2,

    /// <summary>Change members and erase the space.</summary>
    Owner = 3,
}

/// <summary>The names of roles on the wire.</summary>
public static class Roles
{
    /// <summary><c>reader</c>, <c>writer</c> or <c>owner</c>.</summary>
    public static string Name(this Role role) => role switch
    {
        Role.Reader => "reader",
        Role.Writer => "writer",
        _ => "owner",
    };

    /// <summary>The role of a name, or null.</summary>
    public static Role? Parse(string name) => name switch
    {
        "reader" => Role.Reader,
        "writer" => Role.Writer,
        "owner" => Role.Owner,
        _ => null,
    };
}
