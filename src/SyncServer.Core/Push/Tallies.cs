using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>What one entity's figures gain in one transaction; kept in the table, so that they are exact after any restart.</summary>
public sealed record Tally
{
    /// <summary>Live records; fewer after deletes.</summary>
    public int Live { get; init; }

    /// <summary>What the sum of the digests of live records gains, modulo 2^64.</summary>
    public ulong Sum { get; init; }

    /// <summary>Ops applied as sent.</summary>
    public int Applied { get; init; }

    /// <summary>Ops merged with what others did.</summary>
    public int Merged { get; init; }

    /// <summary>Ops parked.</summary>
    public int Parked { get; init; }

    /// <summary>Ops refused with a stored outcome.</summary>
    public int Refused { get; init; }

    /// <summary>Repeats answered with the first outcome.</summary>
    public int Replayed { get; init; }

    /// <summary>Keys that came again with another request.</summary>
    public int Reused { get; init; }

    /// <summary>Conflicts opened.</summary>
    public int Opened { get; init; }

    /// <summary>Conflicts resolved.</summary>
    public int Resolved { get; init; }
}

/// <summary>The gains by entity; the empty name stands for requests that are not about a record.</summary>
public sealed class Tallies
{
    private readonly SortedDictionary<string, Tally> _byEntity = new(StringComparer.Ordinal);

    /// <summary>Whether anything was counted.</summary>
    public bool Any => _byEntity.Count > 0;

    /// <summary>Entity and gain, in the order in which rows are locked.</summary>
    public IReadOnlyDictionary<string, Tally> ByEntity => _byEntity;

    /// <summary>Counts.</summary>
    public void Add(string entity, Func<Tally, Tally> count) =>
        _byEntity[entity] = count(_byEntity.GetValueOrDefault(entity) ?? new Tally());

    /// <summary>Counts what becomes of a record: a live one leaves the checksum of its entity, and a live one enters it.</summary>
    public void AddWrite(SyncRecord? before, SyncRecord after)
    {
        var change = Checksum.Of(after) - Checksum.Of(before);
        if (change != default)
        {
            Add(after.Key.Entity, tally => tally with { Live = tally.Live + (int)change.Count, Sum = unchecked(tally.Sum + change.Sum) });
        }
    }

    /// <summary>Counts a stored outcome by its state.</summary>
    public void AddOutcome(string entity, OutcomeState state) => Add(entity, tally => state switch
    {
        OutcomeState.Applied => tally with { Applied = tally.Applied + 1 },
        OutcomeState.Merged => tally with { Merged = tally.Merged + 1 },
        OutcomeState.Conflict => tally with { Parked = tally.Parked + 1 },
        _ => tally with { Refused = tally.Refused + 1 },
    });
}
