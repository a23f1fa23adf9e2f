using System.Collections.Immutable;

namespace SyncServer.Core.Json;

/// <summary>
/// JSON Pointers that are asked, many times over, whether they meet another one (<see cref="JsonPointer.Meet"/>). The answer
/// takes as many look-ups as the other one has names, however many pointers are in the set.
/// </summary>
public sealed class PathSet
{
    /// <summary>The set without pointers, which meets nothing.</summary>
    public static readonly PathSet Empty =
        new(ImmutableHashSet.Create<string>(StringComparer.Ordinal), ImmutableHashSet.Create<string>(StringComparer.Ordinal));

    private readonly ImmutableHashSet<string> _pointers;

    // The pointers and everything above them, the whole included.
    private readonly ImmutableHashSet<string> _above;

    private PathSet(ImmutableHashSet<string> pointers, ImmutableHashSet<string> above) => (_pointers, _above) = (pointers, above);

    /// <summary>The set of these pointers.</summary>
    public static PathSet Of(IEnumerable<string> pointers) => Empty.With(pointers);

    /// <summary>The set with these pointers too.</summary>
    public PathSet With(IEnumerable<string> pointers)
    {
        var (all, above) = (_pointers.ToBuilder(), _above.ToBuilder());
        foreach (var pointer in pointers)
        {
            all.Add(pointer);
            above.Add("");

            // Where one is known, so are all above it.
            _ = JsonPointer.Ancestors(pointer).Prepend(pointer).All(above.Add);
        }

        return new PathSet(all.ToImmutable(), above.ToImmutable());
    }

    /// <summary>Whether one of the pointers is this one, or lies above or below it.</summary>
    public bool Meets(string pointer) =>
        _above.Contains(pointer) || _pointers.Contains("") || JsonPointer.Ancestors(pointer).Any(_pointers.Contains);
}
