using System.Text.Json.Nodes;

namespace SyncServer.Tests.Retention;

/// <summary>What a device holds that takes over every change that it is told.</summary>
internal sealed class HeldRecords
{
    private readonly Dictionary<string, long> _held = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _told = new(StringComparer.Ordinal);

    /// <summary>The live ones, and their revisions.</summary>
    public IEnumerable<KeyValuePair<string, long>> Live => PurgeRace.Sorted(_held);

    /// <summary>The revision that is held; 0 for none.</summary>
    public long this[string id] => _held.GetValueOrDefault(id);

    /// <summary>Takes changes over; from one beginning to the next, each of them is told once and in order.</summary>
    public void Take(JsonNode page)
    {
        foreach (var change in page["changes"]!.AsArray())
        {
            var (id, rev) = (change!["id"]!.ToString(), (long)change["rev"]!);
            Assert.True(_told.GetValueOrDefault(id) < rev, $"{id} came at revision {rev} after {_told.GetValueOrDefault(id)}.");
            _told[id] = rev;
            _held.Remove(id);
            if (!(bool)change["deleted"]!)
            {
                _held.Add(id, rev);
            }
        }
    }

    /// <summary>What was not delivered since is dropped.</summary>
    public void Begin()
    {
        _held.Clear();
        _told.Clear();
    }
}
