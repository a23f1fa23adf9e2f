using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>A revision that a user saw, on which an op is to be merged.</summary>
internal readonly record struct MergeBase(RecordKey Key, long Rev);

/// <summary>What a request needs to know of its space before it can decide.</summary>
internal sealed record LoadSpec(Guid SpaceId, string Principal, string Device)
{
    private static readonly Dictionary<RecordKey, long> NoneLate = [];

    // Of a request with one key, whose answer is loaded whatever its size.
    private const long MostAnswerBytes = 1;

    /// <summary>The request's own keys, whose outcomes are the answers to a repeat.</summary>
    public IReadOnlyCollection<string> OpIds { get; init; } = [];

    /// <summary>What the ops depend on: how those ended matters, what they were answered does not.</summary>
    public IReadOnlyCollection<string> Dependencies { get; init; } = [];

    /// <summary>
    /// Bytes of stored answers that are loaded for the request, in the order of its keys; the first that reaches beyond is the
    /// last with its body. As <see cref="Limits.PushAnswerBytesMax"/>, because an answer has room for no more.
    /// </summary>
    public long AnswerBytes { get; init; } = MostAnswerBytes;

    /// <summary>Records that matter, as they are now.</summary>
    public IReadOnlyCollection<RecordKey> Records { get; init; } = [];

    /// <summary>The revisions of these records after which changes matter, at most one <see cref="MergeBase"/> for each op.</summary>
    public IReadOnlyCollection<MergeBase> Bases { get; init; } = [];

    /// <summary>Records that an op without a base edits, and the counters above which the device's own changes matter.</summary>
    public IReadOnlyDictionary<RecordKey, long> Late { get; init; } = NoneLate;

    /// <summary>Unique keys whose holders matter.</summary>
    public IReadOnlyCollection<UniqueKey> UniqueKeys { get; init; } = [];

    /// <summary>Whether its ops only make records and depend on nothing, so that all it needs to know is that nothing is there yet.</summary>
    public bool OnlyCreates { get; init; }

    /// <summary>Whether unique values matter, which are decided under the lock alone.</summary>
    public bool HasUnique { get; init; }

    /// <summary>Another space, whose row is locked too where the caller owns it. Locks are taken in the order of ids, whichever is the other.</summary>
    public Guid? Beside { get; init; }

    /// <summary>Where the space stood when it was last written here, to be planned on without its lock; null takes the lock.</summary>
    public KnownSpace? Known { get; init; }

    /// <summary>Whether nothing of it is read, because all that it writes is taken to be new; only on a space that is known.</summary>
    public bool IsTakenForNew { get; init; }

    /// <summary>How many ops are decided; for the log.</summary>
    public int Ops { get; init; } = 1;

    /// <summary>What a push of these items needs; those that are no ops need nothing.</summary>
    public static LoadSpec Of(Guid spaceId, PushContext context, IReadOnlyList<PushItem> items)
    {
        var opIds = new List<string>(items.Count);
        var records = new List<RecordKey>(items.Count);
        HashSet<MergeBase>? bases = null;
        HashSet<string>? dependencies = null;
        var ops = 0;
        var (isLate, onlyCreates, hasUnique) = (false, true, false);
        foreach (var item in items)
        {
            if (item.Op is not { } op)
            {
                continue;
            }

            ops++;
            opIds.Add(op.OpId);
            if (op.DependsOn.Count > 0)
            {
                (dependencies ??= new HashSet<string>(StringComparer.Ordinal)).UnionWith(op.DependsOn);
            }

            records.Add(op.Key);
            onlyCreates &= op.Kind == OpKind.Create && op.DependsOn.Count == 0;
            hasUnique |= context.DefinitionOf(op.Key).Unique.Count > 0;
            isLate |= op is { Kind: OpKind.Update, BaseRev: null };
            // A strict op is measured by its precondition and a create by what exists: neither asks what came between.
            if (op is { IsStrict: false, Kind: not OpKind.Create, BaseRev: { } baseRev })
            {
                (bases ??= []).Add(new MergeBase(op.Key, baseRev));
            }
        }

        return new LoadSpec(spaceId, context.Principal, context.Device)
        {
            OpIds = Distinct(opIds, StringComparer.Ordinal),
            Dependencies = (IReadOnlyCollection<string>?)dependencies ?? [],
            AnswerBytes = context.Limits.PushAnswerBytesMax,
            Records = Distinct(records, comparer: null),
            Bases = (IReadOnlyCollection<MergeBase>?)bases ?? [],
            Late = isLate ? OwnLater.Of(context.Device, items.Where(item => item.Op is not null).Select(item => item.Op!)) : NoneLate,
            OnlyCreates = onlyCreates && ops > 0,
            HasUnique = hasUnique,
            Ops = ops,
        };
    }

    // Most pushes have one op, which needs no set.
    private static IReadOnlyCollection<T> Distinct<T>(List<T> all, IEqualityComparer<T>? comparer) => all.Count < 2 ? all : new HashSet<T>(all, comparer);
}

/// <summary>How the rows of spaces are read.</summary>
internal enum SpaceLock
{
    /// <summary>Without a lock, for who only looks.</summary>
    None,

    /// <summary>Locked; who finds a row locked waits, for as long as <c>lock_timeout</c> says.</summary>
    Wait,

    /// <summary>
    /// Locked; a row that somebody else has locked is left out, and so is a space whose unique keys have to be brought to
    /// order first. Whoever never waits deadlocks with nobody.
    /// </summary>
    Skip,
}

/// <summary>A space as one transaction saw it, under its lock unless the request only looks, or as it is known.</summary>
internal sealed record LoadedSpace(SpacePlan Plan, Role Role, bool Personal, string? Name)
{
    /// <summary>Whether <see cref="LoadSpec.Beside"/> is locked as well; without it that space may not be written.</summary>
    public bool BesideLocked { get; init; }
}

/// <summary>What several requests found in one transaction; those of one space share its plan.</summary>
internal sealed class LoadedSpaces(int specs)
{
    private readonly Dictionary<Guid, (SpacePlan Plan, bool Personal, string? Name)> _spaces = new(specs);
    private readonly Role?[] _roles = new Role?[specs];

    /// <summary>Spaces whose unique keys are those of other definitions.</summary>
    public HashSet<Guid> Behind { get; } = [];

    /// <summary>The plan of a space; null where it is not there, not locked, or nobody of those who asked may lock it.</summary>
    public SpacePlan? PlanOf(Guid space) => _spaces.TryGetValue(space, out var row) ? row.Plan : null;

    /// <summary>The role of the request at this place in the list, as it was read, or is known.</summary>
    public Role? RoleOf(int spec) => _roles[spec];

    /// <summary>The space as one request sees it; null to those outside, and where the space is not there.</summary>
    public LoadedSpace? this[int spec, LoadSpec asked] => _roles[spec] is { } role && _spaces.TryGetValue(asked.SpaceId, out var row)
        ? new LoadedSpace(row.Plan, role, row.Personal, row.Name) { BesideLocked = asked.Beside is { } beside && _spaces.ContainsKey(beside) }
        : null;

    /// <summary>Takes over a plan on what is known of a space, to be written and not to be shown: what else its row says is not known.</summary>
    public void Add(SpacePlan assumed) => Add(assumed, personal: false, name: null);

    /// <summary>Takes over the row of a space.</summary>
    public void Add(SpacePlan plan, bool personal, string? name) => _spaces.Add(plan.SpaceId, (plan, personal, name));

    /// <summary>Takes over a role.</summary>
    public void Add(int spec, Role role) => _roles[spec] = role;
}
