namespace SyncServer.Core.Merge;

/// <summary>What decides a field that two sides changed (protocol 4). The name is the <c>rule</c> of explanations.</summary>
public sealed record FieldPolicy
{
    private FieldPolicy(string name) => Name = name;

    /// <summary>As definitions and explanations write it.</summary>
    public string Name { get; }

    /// <summary>Ask: the op is parked as a conflict. The policy of every field that declares no other.</summary>
    public static readonly FieldPolicy Review = new("review");

    /// <summary>The later arrival at the server wins.</summary>
    public static readonly FieldPolicy Lww = new("lww");

    /// <summary>The first write wins; later ones are reported.</summary>
    public static readonly FieldPolicy Keep = new("keep");

    /// <summary>Appended elements follow one another in the order of their arrival.</summary>
    public static readonly FieldPolicy Append = new("append");

    /// <summary>The union of additions, less removals.</summary>
    public static readonly FieldPolicy Set = new("set");

    /// <summary>Increments add up.</summary>
    public static readonly FieldPolicy Counter = new("counter");

    /// <summary>The larger value wins.</summary>
    public static readonly FieldPolicy Max = new("max");

    /// <summary>The smaller value wins.</summary>
    public static readonly FieldPolicy Min = new("min");

    /// <summary>Line- and word-wise three-way merge; overlapping edits are a conflict.</summary>
    public static readonly FieldPolicy Text = new("text");

    /// <summary>A set of opaque updates that clients merge (protocol 4.2).</summary>
    public static readonly FieldPolicy Crdt = new("crdt");

    /// <summary>Whatever somebody else changed is a conflict, even when the values agree.</summary>
    public static readonly FieldPolicy Strict = new("strict");

    /// <summary>Every policy, in the order of the protocol's table.</summary>
    public static readonly IReadOnlyList<FieldPolicy> All = [Review, Lww, Keep, Append, Set, Counter, Max, Min, Text, Crdt, Strict];

    /// <summary>The policy of that name, or null.</summary>
    public static FieldPolicy? Find(string name) => All.FirstOrDefault(policy => policy.Name == name);
}
