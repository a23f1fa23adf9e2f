namespace SyncServer.Storage;

/// <summary>
/// Which op ids and records were written here lately, as hashes in a table of fixed size where a newer one takes the place of an older. A key
/// that is not in it is most likely new, which the writing statement finds out for certain; one that is in it has been seen but for one chance
/// in many thousands, and is looked up.
/// </summary>
internal sealed class RecentKeys
{
    /// <summary>Some ten seconds of a busy server in a quarter of a megabyte: phones repeat what was not answered after a few seconds.</summary>
    private const int Slots = 1 << 16;

    private readonly int[] _hashes = new int[Slots];

    /// <summary>Whether one of what the request writes was written lately.</summary>
    public bool HasAny(LoadSpec spec)
    {
        foreach (var opId in spec.OpIds)
        {
            if (Has(HashOf(spec, opId)))
            {
                return true;
            }
        }

        foreach (var record in spec.Records)
        {
            if (Has(HashCode.Combine(spec.SpaceId, record)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Notes what the request wrote.</summary>
    public void Add(LoadSpec spec)
    {
        foreach (var opId in spec.OpIds)
        {
            Add(HashOf(spec, opId));
        }

        foreach (var record in spec.Records)
        {
            Add(HashCode.Combine(spec.SpaceId, record));
        }
    }

    // The hashes of strings are keyed anew in each process, so that nobody can choose what collides.
    private static int HashOf(LoadSpec spec, string opId) => HashCode.Combine(spec.SpaceId, spec.Principal, opId);

    private bool Has(int hash) => Volatile.Read(ref _hashes[hash & (Slots - 1)]) == hash;

    private void Add(int hash) => Volatile.Write(ref _hashes[hash & (Slots - 1)], hash);
}
