namespace SyncServer.Core.Merge;

/// <summary>What decides a field that two sides changed (protocol 4). The name is the <c>rule</c> of explanations.</summary>
public sealed record FieldPolicy(string Name)
{
    /// <summary>Ask: the op is parked as a conflict. The policy of every field that declares no other.</summary>
    public static readonly FieldPolicy Review = new("review");
}
