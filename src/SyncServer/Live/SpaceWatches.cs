using System.Runtime.InteropServices;
using SyncServer.Storage;

namespace SyncServer.Live;

/// <summary>Who in this process waits for which space. What this process commits wakes them at once.</summary>
internal sealed class SpaceWatches
{
    private readonly Lock _gate = new();

    // A space has as many watches as its members have devices at this server: lists of one, mostly.
    private readonly Dictionary<Guid, List<Watch>> _watches = [];

    public SpaceWatches(SpaceHeads heads) => heads.Listen(Hint);

    /// <summary>Watches a space, whether there is one or not, until the watch is disposed.</summary>
    public Watch Watch(Guid spaceId)
    {
        var watch = new Watch(this, spaceId);
        lock (_gate)
        {
            ref var watches = ref CollectionsMarshal.GetValueRefOrAddDefault(_watches, spaceId, out _);
            (watches ??= new List<Watch>(1)).Add(watch);
        }

        return watch;
    }

    /// <summary>The spaces that somebody waits for.</summary>
    public Guid[] Spaces()
    {
        lock (_gate)
        {
            return [.. _watches.Keys];
        }
    }

    /// <summary>A space is said to be at a head; the caller is not held up by whoever waits for it.</summary>
    public void Hint(Guid spaceId, long head)
    {
        foreach (var watch in Of(spaceId))
        {
            watch.Hint(head);
        }
    }

    /// <summary>The database says where a space is, or that it is gone.</summary>
    public void Check(Guid spaceId, long? head)
    {
        foreach (var watch in Of(spaceId))
        {
            watch.Check(head);
        }
    }

    internal void Remove(Watch watch)
    {
        lock (_gate)
        {
            if (_watches.TryGetValue(watch.SpaceId, out var watches) && watches.Remove(watch) && watches.Count == 0)
            {
                _watches.Remove(watch.SpaceId);
            }
        }
    }

    private Watch[] Of(Guid spaceId)
    {
        lock (_gate)
        {
            return _watches.TryGetValue(spaceId, out var watches) ? [.. watches] : [];
        }
    }
}
