using System.Runtime.InteropServices;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>What was counted of one entity: in one transaction, or in all that there were.</summary>
public readonly record struct Tally
{
    /// <summary>Live records; what a transaction adds is below zero after deletes.</summary>
    public long Live { get; init; }

    /// <summary>The sum of the digests of live records, modulo 2^64.</summary>
    public ulong Sum { get; init; }

    /// <summary>Ops applied as sent.</summary>
    public long Applied { get; init; }

    /// <summary>Ops merged with what others did.</summary>
    public long Merged { get; init; }

    /// <summary>Ops parked.</summary>
    public long Parked { get; init; }

    /// <summary>Ops refused with a stored outcome.</summary>
    public long Refused { get; init; }

    /// <summary>Repeats answered with the first outcome.</summary>
    public long Replayed { get; init; }

    /// <summary>Keys that came again with another request.</summary>
    public long Reused { get; init; }

    /// <summary>Conflicts opened.</summary>
    public long Opened { get; init; }

    /// <summary>Conflicts resolved; what was opened less this is what is open.</summary>
    public long Resolved { get; init; }

    /// <summary>Of the live records.</summary>
    public Checksum Checksum => new(Live, Sum);

    /// <summary>Both together.</summary>
    public static Tally operator +(Tally left, Tally right) => new()
    {
        Live = left.Live + right.Live,
        Sum = unchecked(left.Sum + right.Sum),
        Applied = left.Applied + right.Applied,
        Merged = left.Merged + right.Merged,
        Parked = left.Parked + right.Parked,
        Refused = left.Refused + right.Refused,
        Replayed = left.Replayed + right.Replayed,
        Reused = left.Reused + right.Reused,
        Opened = left.Opened + right.Opened,
        Resolved = left.Resolved + right.Resolved,
    };
}

/// <summary>Tallies by entity; the empty name stands for requests that are not about a record.</summary>
public sealed class Tallies
{
    private readonly Dictionary<string, Tally> _byEntity = new(StringComparer.Ordinal);

    /// <summary>Whether anything was counted.</summary>
    public bool Any => _byEntity.Count > 0;

    /// <summary>Entity and tally.</summary>
    public IReadOnlyDictionary<string, Tally> ByEntity => _byEntity;

    /// <summary>What was counted of an entity; nothing where nothing was.</summary>
    internal bool TryGet(ReadOnlySpan<char> entity, out Tally tally) =>
        _byEntity.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(entity, out tally);

    /// <summary>Adds what was counted.</summary>
    public void Add(string entity, Tally tally) => CollectionsMarshal.GetValueRefOrAddDefault(_byEntity, entity, out _) += tally;

    /// <summary>The same, by a name that is no string yet; an entity that is known already costs no memory.</summary>
    public void Add(ReadOnlySpan<char> entity, Tally tally) =>
        CollectionsMarshal.GetValueRefOrAddDefault(_byEntity.GetAlternateLookup<ReadOnlySpan<char>>(), entity, out _) += tally;

    /// <summary>Counts what becomes of a record: a live one leaves the checksum of its entity, and a live one enters it.</summary>
    public void AddWrite(SyncRecord? before, SyncRecord after)
    {
        var change = Checksum.Of(after) - Checksum.Of(before);
        if (change != default)
        {
            Add(after.Key.Entity, new Tally { Live = change.Count, Sum = change.Sum });
        }
    }

    /// <summary>Counts a stored outcome by its state.</summary>
    public void AddOutcome(string entity, OutcomeState state) => Add(entity, state switch
    {
        OutcomeState.Applied => new Tally { Applied = 1 },
        OutcomeState.Merged => new Tally { Merged = 1 },
        OutcomeState.Conflict => new Tally { Parked = 1 },
        _ => new Tally { Refused = 1 },
    });
}
