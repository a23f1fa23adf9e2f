using System.Runtime.InteropServices;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>
/// Where spaces stood when this process last wrote them, for the queue, which has each space in one group at a time. Another server
/// may have written since, or another request: who plans on this has it compared with the row of the space in the transaction that writes
/// the plan (<see cref="SpacePlan.IsAssumed"/>). Losing an entry costs a lock and a read, so there is no harm in a limit.
/// </summary>
internal sealed class KnownSpaces(Func<string> epoch)
{
    /// <summary>Spaces of each of the two generations: those that are in use, mostly at half a kilobyte each.</summary>
    private const int Generation = 20_000;

    /// <summary>Bytes of the figures of a space, at most: a dozen entities and more. Others are few, and locked as ever.</summary>
    private const int FiguresBytes = 2 * 1024;

    private readonly Lock _lock = new();
    private Dictionary<Guid, KnownSpace> _young = [];
    private Dictionary<Guid, KnownSpace> _old = [];

    /// <summary>Knows spaces of the history that is served.</summary>
    public KnownSpaces(ServerIdentity identity)
        : this(() => identity.Epoch)
    {
    }

    /// <summary>What is known of the space; null where that is nothing, or of another history of the database.</summary>
    public KnownSpace? Find(Guid space)
    {
        lock (_lock)
        {
            if (!_young.TryGetValue(space, out var known) && _old.Remove(space, out known))
            {
                Add(space, known);
            }

            return known?.Epoch == epoch() ? known : null;
        }
    }

    /// <summary>To be called before anybody but the queue locks a space: the queue then comes with locks of its own, which never wait.</summary>
    public void Forget(Guid space)
    {
        lock (_lock)
        {
            _young.Remove(space);
            _old.Remove(space);
        }
    }

    /// <summary>Takes over what the queue has just written, and what roles it found on the way.</summary>
    public void Committed(SpacePlan plan, Figures after, IEnumerable<(string Principal, Role Role)> roles)
    {
        if (after.Json.Length > FiguresBytes)
        {
            Forget(plan.SpaceId);
            return;
        }

        var known = Find(plan.SpaceId);
        if (known?.IsBefore(plan) != true)
        {
            known = new KnownSpace(epoch());
            lock (_lock)
            {
                _old.Remove(plan.SpaceId);
                Add(plan.SpaceId, known);
            }
        }

        known.Move(plan.Head, after);
        foreach (var (principal, role) in roles)
        {
            known.Add(principal, role);
        }
    }

    private void Add(Guid space, KnownSpace known)
    {
        if (_young.Count >= Generation)
        {
            (_old, _young) = (_young, []);
        }

        _young[space] = known;
    }
}

/// <summary>One space as it was when it was last written here.</summary>
internal sealed class KnownSpace(string epoch)
{
    /// <summary>Members whose roles are remembered: more than write to a space at once. The names themselves are those that requests brought.</summary>
    private const int Members = 128;

    private readonly Dictionary<string, Role> _roles = new(StringComparer.Ordinal);

    /// <summary>The history of the database.</summary>
    public string Epoch { get; } = epoch;

    /// <summary>The seq of the last change.</summary>
    public long Head { get; private set; }

    /// <summary>What was counted.</summary>
    public Figures Figures { get; private set; }

    /// <summary>How often it was written here since anybody else did.</summary>
    public int Writes { get; private set; }

    /// <summary>The member's role; null where it is not known.</summary>
    public Role? RoleOf(string principal) => _roles.TryGetValue(principal, out var role) ? role : null;

    /// <summary>Whether a conflict is open about a record of the same entity as one of these.</summary>
    public bool HasOpenConflicts(IReadOnlyCollection<RecordKey> records) =>
        Figures.KnowsConflicts && records.Select(record => record.Entity).Distinct(StringComparer.Ordinal).Any(Figures.HasOpenConflicts);

    /// <summary>Whether the plan was made on the space as it is here. Figures tell also of what moves no head: they gain by every write.</summary>
    public bool IsBefore(SpacePlan plan) => Head == plan.LoadedHead && Figures.Json.Span.SequenceEqual(plan.Counted.Before.Json.Span);

    /// <summary>Takes over a write.</summary>
    public void Move(long head, Figures figures)
    {
        (Head, Figures) = (head, figures);
        Writes++;
    }

    /// <summary>Takes over a role. It holds for as long as the head stands: every change of a membership is a change of the space.</summary>
    public void Add(string principal, Role role)
    {
        if (_roles.Count >= Members && !_roles.ContainsKey(principal))
        {
            _roles.Clear();
        }

        CollectionsMarshal.GetValueRefOrAddDefault(_roles, principal, out _) = role;
    }
}
