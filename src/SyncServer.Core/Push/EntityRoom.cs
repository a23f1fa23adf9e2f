namespace SyncServer.Core.Push;

/// <summary>The entities that a space has, of which none ever goes, and whether it may have more.</summary>
/// <param name="counted">What was counted before.</param>
/// <param name="gains">What is being added to it.</param>
public sealed class EntityRoom(Figures counted, Tallies gains)
{
    private HashSet<string>? _names;

    /// <summary>Whether the entity is one of them, or there is room for it.</summary>
    public bool Has(string entity)
    {
        var gaining = gains.ByEntity;
        // Few spaces are long enough to be looked through, and then once for all ops.
        if (gaining.ContainsKey(entity) || counted.EntitiesAtMost + gaining.Count < Limits.EntitiesPerSpace)
        {
            return true;
        }

        var names = _names ??= counted.Entities();
        return names.Contains(entity) || names.Count + gaining.Keys.Count(name => !names.Contains(name)) < Limits.EntitiesPerSpace;
    }
}
