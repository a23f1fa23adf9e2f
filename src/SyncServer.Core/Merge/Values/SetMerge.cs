using SyncServer.Core.Json;

namespace SyncServer.Core.Merge.Values;

/// <summary>Lists read as sets by JSON equality: 1 and 1.0 are one element. Each operation takes linear time.</summary>
public static class SetMerge
{
    /// <summary>The list as it is, then in order those of <paramref name="additions"/> that are new, once each.</summary>
    public static IReadOnlyList<JsonValue> Union(IReadOnlyList<JsonValue> list, IReadOnlyList<JsonValue> additions)
    {
        var present = list.ToHashSet();
        return [.. list, .. additions.Where(present.Add)];
    }

    /// <summary>The list without every element that equals one of <paramref name="removals"/>.</summary>
    public static IReadOnlyList<JsonValue> Except(IReadOnlyList<JsonValue> list, IReadOnlyList<JsonValue> removals)
    {
        var removed = removals.ToHashSet();
        return [.. list.Where(element => !removed.Contains(element))];
    }

    /// <summary>Theirs with what yours added to base and without what yours removed from it.</summary>
    public static IReadOnlyList<JsonValue> ThreeWay(
        IReadOnlyList<JsonValue> @base, IReadOnlyList<JsonValue> theirs, IReadOnlyList<JsonValue> yours) =>
        Except(Union(theirs, Except(yours, @base)), Except(@base, yours));
}
