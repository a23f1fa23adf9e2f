namespace SyncServer.Core.Push;

/// <summary>What is counted in one space: before a plan, by it, and afterwards. No entity of a space ever goes.</summary>
/// <param name="before">What was counted before.</param>
public sealed class Counted(Figures before)
{
    private HashSet<string>? _names;

    /// <summary>The figures as they were loaded.</summary>
    public Figures Before { get; } = before;

    /// <summary>What they gain.</summary>
    public Tallies Gains { get; } = new();

    /// <summary>The figures with what they have gained by now.</summary>
    public Figures After() => Before.Plus(Gains);

    /// <summary>Whether the space has the entity, or room for it.</summary>
    public bool HasRoomFor(string entity)
    {
        var gaining = Gains.ByEntity;
        // Few spaces are long enough to be looked through, and then once for all ops.
        return gaining.ContainsKey(entity)
            || Before.EntitiesAtMost + gaining.Count < Limits.EntitiesPerSpace
            || HasRoomFor(entity, _names ??= Before.Entities());
    }

    private bool HasRoomFor(string entity, HashSet<string> names) =>
        names.Contains(entity) || names.Count + Gains.ByEntity.Keys.Count(name => !names.Contains(name)) < Limits.EntitiesPerSpace;
}
