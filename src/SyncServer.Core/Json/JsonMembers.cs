using System.Runtime.InteropServices;

namespace SyncServer.Core.Json;

/// <summary>
/// Members of an object by name, in the order in which they came; to be filled once. Nearly all objects have a few, among which a name is
/// found soonest by looking at each, and which need no more memory than themselves; an index is made only where there are many.
/// </summary>
internal sealed class JsonMembers
{
    /// <summary>From here on a table is quicker than looking at each name.</summary>
    private const int Few = 8;

    private readonly List<KeyValuePair<string, JsonValue>> _members;
    private Dictionary<string, int>? _places;

    public JsonMembers(int capacity = 0) => _members = new List<KeyValuePair<string, JsonValue>>(capacity);

    public int Count => _members.Count;

    public IReadOnlyList<KeyValuePair<string, JsonValue>> List => _members;

    public ReadOnlySpan<KeyValuePair<string, JsonValue>> Span => CollectionsMarshal.AsSpan(_members);

    public JsonValue? this[string name] => PlaceOf(name) is >= 0 and var place ? _members[place].Value : null;

    /// <summary>Adds a member whose name is new.</summary>
    public void Add(string name, JsonValue value)
    {
        if (!TryAdd(name, value, out _))
        {
            throw new ArgumentException("The object has a member of this name.", nameof(name));
        }
    }

    /// <summary>Adds a member, and says where; not where the name is taken.</summary>
    public bool TryAdd(string name, JsonValue value, out int place)
    {
        place = _members.Count;
        if (place >= Few)
        {
            if (!Places.TryAdd(name, place))
            {
                return false;
            }
        }
        else if (PlaceOf(name) >= 0)
        {
            return false;
        }

        _members.Add(KeyValuePair.Create(name, value));
        return true;
    }

    /// <summary>Another value for the member at a place.</summary>
    public void Set(int place, JsonValue value) => _members[place] = KeyValuePair.Create(_members[place].Key, value);

    private Dictionary<string, int> Places
    {
        get
        {
            if (_places is null)
            {
                _places = new Dictionary<string, int>(2 * Few, StringComparer.Ordinal);
                foreach (var (name, _) in _members)
                {
                    _places.Add(name, _places.Count);
                }
            }

            return _places;
        }
    }

    private int PlaceOf(string name)
    {
        if (_places is not null)
        {
            return _places.TryGetValue(name, out var known) ? known : -1;
        }

        var members = Span;
        for (var place = 0; place < members.Length; place++)
        {
            if (members[place].Key == name)
            {
                return place;
            }
        }

        return -1;
    }
}
