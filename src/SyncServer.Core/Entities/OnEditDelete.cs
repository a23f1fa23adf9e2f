namespace SyncServer.Core.Entities;

/// <summary>What happens where an edit of a record meets its delete (protocol 4). The name is what definitions write.</summary>
public sealed record OnEditDelete
{
    private OnEditDelete(string name) => Name = name;

    /// <summary>As definitions write it.</summary>
    public string Name { get; }

    /// <summary>Ask: the later of the two is parked.</summary>
    public static readonly OnEditDelete Review = new("review");

    /// <summary>The record is restored with the edit; a stale delete changes nothing.</summary>
    public static readonly OnEditDelete EditWins = new("edit-wins");

    /// <summary>The edit goes into history; the tombstone stays.</summary>
    public static readonly OnEditDelete DeleteWins = new("delete-wins");

    /// <summary>Every choice.</summary>
    public static readonly IReadOnlyList<OnEditDelete> All = [Review, EditWins, DeleteWins];

    /// <summary>The choice of that name, or null.</summary>
    public static OnEditDelete? Find(string name) => All.FirstOrDefault(choice => choice.Name == name);
}
