namespace SyncServer.Core.Entities;

/// <summary>The members that the file's objects may have.</summary>
public static class Vocabulary
{
    /// <summary>Of the file; <c>$schema</c> is for editors.</summary>
    public static readonly IReadOnlyList<string> File = ["$schema", "entities"];

    /// <summary>Of an entity.</summary>
    public static readonly IReadOnlyList<string> Entity = ["version", "fields", "unique", "onEditDelete", "additionalFields"];

    /// <summary>Of a field.</summary>
    public static readonly IReadOnlyList<string> Field = ["type", "required", "merge", "default", "transitions", "immutable"];
}
