using System.Runtime.InteropServices;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;

namespace SyncServer.Core.Push;

/// <summary>A value that no two live records of a space share: the entity, the name of its rule, and the hash of the values as hex.</summary>
public readonly record struct UniqueKey(string Entity, string Rule, string Hash)
{
    /// <summary>The keys of a record with this data.</summary>
    public static IEnumerable<UniqueKey> Of(EntityDefinition definition, JsonObject data) =>
        definition.UniqueKeys(data).Select(key => new UniqueKey(definition.Name, key.Rule.Name, key.Hash));
}

/// <summary>Who holds which unique key of a space, as far as it was asked for, and what a plan changes in that.</summary>
internal sealed class SpaceUniqueKeys
{
    private readonly Dictionary<UniqueKey, HashSet<string>> _holders = [];
    private readonly HashSet<UniqueKey> _missing = [];
    private readonly HashSet<(UniqueKey, string)> _freed = [];
    private readonly Dictionary<UniqueKey, string> _taken = [];

    /// <summary>Keys that were asked for and not loaded.</summary>
    public IReadOnlyCollection<UniqueKey> Missing => _missing;

    /// <summary>Keys and the records that do not hold them any more.</summary>
    public IReadOnlyCollection<(UniqueKey Key, string RecordId)> Freed => _freed;

    /// <summary>Keys and the records that hold them from now on.</summary>
    public IReadOnlyDictionary<UniqueKey, string> Taken => _taken;

    /// <summary>Takes over that a record holds a key; null adds nobody, and says that the key was looked up.</summary>
    public void Load(UniqueKey key, string? holder)
    {
        ref var holders = ref CollectionsMarshal.GetValueRefOrAddDefault(_holders, key, out _);
        holders ??= new HashSet<string>(StringComparer.Ordinal);
        if (holder is not null)
        {
            holders.Add(holder);
        }
    }

    /// <summary>Whether another record holds the key; one that was not loaded is noted as missing.</summary>
    public bool IsTaken(UniqueKey key, string byId)
    {
        if (_holders.TryGetValue(key, out var holders))
        {
            return holders.Any(holder => holder != byId);
        }

        _missing.Add(key);
        return false;
    }

    /// <summary>Gives up the keys that a record had and takes those that it has now; what it keeps is not touched.</summary>
    public void Claim(string id, IReadOnlyCollection<UniqueKey> before, IReadOnlyCollection<UniqueKey> now)
    {
        foreach (var freed in before.Except(now))
        {
            _freed.Add((freed, id));
            if (_taken.GetValueOrDefault(freed) == id)
            {
                _taken.Remove(freed);
            }

            // Of a key that was not loaded the other holders are unknown, and whoever asks for it has it loaded first.
            _holders.GetValueOrDefault(freed)?.Remove(id);
        }

        foreach (var taken in now.Except(before))
        {
            _taken[taken] = id;
            _holders.GetValueOrDefault(taken)?.Add(id);
        }
    }
}
