using Microsoft.Extensions.Options;
using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>
/// Gathers pushes that come while others are being decided, so that they share a transaction. A push that comes while nothing is being
/// decided is decided at once; beside a group, once half as many wait as that one has. Pushes of one space are decided in the order in which
/// they came. Nothing here survives the process, and nothing has to: what is not answered is repeated by its client.
/// </summary>
internal sealed class CommitQueue(GroupCommit commit, TimeProvider clock, IOptions<QueueOptions> options, IOptions<DatabaseOptions> database)
{
    // A group's rows are held in memory as objects, as parameters and as bytes on the wire; beyond this many a larger
    // group is no cheaper for each op.
    private const int GroupOps = 1_000;

    // Every space of a group stays locked until its commit.
    private const int GroupSpaces = 256;

    // Requests of a group together; a larger one goes alone.
    private const long GroupBytes = 4L * 1024 * 1024;

    // One space, or one principal, may fill an eighth of what waits: it takes several that are stuck to keep others out, and
    // by default an eighth is more than a group decides at once.
    private const int Share = 8;

    // Whoever waits this long behind others is better told to come again: shorter than clients wait.
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, SpaceLine> _lines = [];
    private readonly Dictionary<string, QueueLoad> _principals = new(StringComparer.Ordinal);
    private readonly QueueLoad _all = new();
    private readonly Queue<SpaceLine> _ready = new();
    private readonly Queue<SpaceLine> _held = new();
    private readonly QueueOptions _options = options.Value;
    private readonly TimeSpan _patience = PatienceFor(database.Value.LockTimeout);
    private int _workers;

    // Pushes in the groups of workers; those in lanes wait.
    private int _underway;
    private int _lanes;

    /// <summary>
    /// One outcome per item, in order, stored with its effect; or the rejection of the whole push, of which nothing was
    /// looked at. Where the client is gone before its group begins nothing is decided; afterwards it is, regardless.
    /// </summary>
    public Task<(IReadOnlyList<Outcome>? Outcomes, Rejection? Rejection)> RunAsync(PendingPush push)
    {
        bool starts;
        lock (_gate)
        {
            if (Admit(push) is not { } line)
            {
                return Task.FromResult<(IReadOnlyList<Outcome>?, Rejection?)>((null, TooBusy));
            }

            if (!line.IsKnown)
            {
                line.IsKnown = true;
                _ready.Enqueue(line);
            }

            starts = StartsWorker();
        }

        if (starts)
        {
            Start(WorkAsync);
        }

        return push.Answer;
    }

    /// <summary>How many ops wait or are being decided.</summary>
    public int Ops
    {
        get
        {
            lock (_gate)
            {
                return _all.Ops;
            }
        }
    }

    private static Rejection TooBusy =>
        new(ErrorCode.Unavailable, "Too many pushes wait to be decided. Repeat the same bytes under the same key.");

    // Longer than a lock may be waited for, whatever operators set, so that a space which somebody holds gets its chance.
    private static TimeSpan PatienceFor(TimeSpan lockTimeout) =>
        lockTimeout == TimeSpan.Zero ? TimeSpan.MaxValue
        : lockTimeout * 2 > LeastPatience ? lockTimeout * 2 : LeastPatience;

    // On a thread of its own: the request's goes back to its client's connection.
    private static void Start(Func<Task> loop) => ThreadPool.UnsafeQueueUserWorkItem(static loop => _ = loop(), loop, preferLocal: false);

    /// <summary>The line in which the push stands from now on; null where there is no room for it.</summary>
    private SpaceLine? Admit(PendingPush push)
    {
        var line = _lines.GetValueOrDefault(push.Spec.SpaceId) ?? new SpaceLine(push.Spec.SpaceId);
        var own = _principals.GetValueOrDefault(push.Context.Principal) ?? new QueueLoad();
        var (ops, bytes) = (_options.QueueOps / Share, _options.QueueBytes / Share);
        if (!_all.HasRoom(push, _options.QueueOps, _options.QueueBytes) || !line.Load.HasRoom(push, ops, bytes) || !own.HasRoom(push, ops, bytes))
        {
            return null;
        }

        _all.Add(push);
        own.Add(push);
        line.Add(push);
        _principals[push.Context.Principal] = own;
        _lines[line.SpaceId] = line;
        return line;
    }

    private async Task WorkAsync()
    {
        while (NextGroup() is { } group)
        {
            await commit.RunAsync(group);
            Settle(group);
        }
    }

    /// <summary>
    /// The same for spaces that somebody else has locked: each is waited for alone, and holds up nobody else. One that stays
    /// locked goes to the back after a short while, so that a few of them do not keep the lanes from the others.
    /// </summary>
    private async Task WaitAsync()
    {
        while (NextHeld() is { } group)
        {
            await commit.RunAsync(group);
            Settle(group);
        }
    }

    private bool StartsWorker()
    {
        if (_workers == _options.Workers || _ready.Count == 0 || !IsWorthAGroup(_workers))
        {
            return false;
        }

        _workers++;
        return true;
    }

    /// <summary>
    /// Whether enough waits for one more group beside some others: half of what one of them has. Less is left to the one that ends first, because
    /// much of what a group costs does not depend on its size.
    /// </summary>
    private bool IsWorthAGroup(int others) => 2 * others * (_all.Pushes - _underway) >= _underway;

    private PushGroup? NextGroup()
    {
        lock (_gate)
        {
            var group = new PushGroup(waits: false);
            var isWorth = IsWorthAGroup(_workers - 1);
            while (isWorth && _ready.TryPeek(out var line) && HasRoom(group, line))
            {
                Take(group, _ready.Dequeue());
            }

            // Whoever adds a line from now on finds this worker gone and may start another.
            _underway += group.Pushes.Count;
            _workers -= group.Pushes.Count == 0 ? 1 : 0;
            return group.Pushes.Count == 0 ? null : group;
        }
    }

    private PushGroup? NextHeld()
    {
        lock (_gate)
        {
            while (_held.TryDequeue(out var line))
            {
                var group = new PushGroup(waits: true);
                Take(group, line);
                if (group.Pushes.Count > 0)
                {
                    return group;
                }
            }

            _lanes--;
            return null;
        }
    }

    private static bool HasRoom(PushGroup group, SpaceLine line) => group.Turns.Count == 0
        || (group.Turns.Count < GroupSpaces && !group.Pushes[0].IsAlone && line.First?.IsAlone != true && Fits(group, line.First));

    private static bool Fits(PushGroup group, PendingPush? push) => group.Pushes.Count == 0 || push is null
        || (group.Ops + push.Items.Count <= GroupOps && group.Bytes + push.Bytes <= GroupBytes);

    /// <summary>Moves a line's pushes into the group, in order; an atomic one has a plan of its own.</summary>
    private void Take(PushGroup group, SpaceLine line)
    {
        var turn = new SpaceTurn(line);
        while (line.First is { } push && Fits(group, push) && MayJoin(group, turn, push))
        {
            line.RemoveFirst();
            if (IsGone(push))
            {
                Forget(line, push);
                push.Complete();
            }
            else
            {
                group.Add(turn, push);
            }
        }

        if (turn.Pushes.Count > 0)
        {
            group.Turns.Add(turn);
        }
        else
        {
            Release(line, _ready);
        }
    }

    // The first push of a line was looked at before, but the one behind it comes to the front where that one is gone.
    private static bool MayJoin(PushGroup group, SpaceTurn turn, PendingPush push) => group.Pushes.Count == 0
        || (!group.Pushes[0].IsAlone && !push.IsAlone
            && (turn.Pushes.Count == 0 || !(turn.Pushes[0].Context.Atomic || push.Context.Atomic)));

    /// <summary>Answers those whose client is gone, or has waited too long.</summary>
    private bool IsGone(PendingPush push)
    {
        if (push.IsAborted)
        {
            push.Fail(new OperationCanceledException());
        }
        else if (clock.GetElapsedTime(push.Since) > _patience)
        {
            push.Refuse(TooBusy);
        }

        return push.IsAnswered;
    }

    private void Settle(PushGroup group)
    {
        bool workerStarts, laneStarts;
        lock (_gate)
        {
            _underway -= group.Waits ? 0 : group.Pushes.Count;
            foreach (var turn in group.Turns)
            {
                Settle(turn);
            }

            laneStarts = _held.Count > 0 && _lanes < _options.Lanes;
            _lanes += laneStarts ? 1 : 0;
            workerStarts = StartsWorker();
        }

        foreach (var push in group.Pushes.Where(push => push.IsAnswered))
        {
            push.Complete();
        }

        if (laneStarts)
        {
            Start(WaitAsync);
        }

        if (workerStarts)
        {
            Start(WorkAsync);
        }
    }

    private void Settle(SpaceTurn turn)
    {
        for (var at = turn.Pushes.Count - 1; at >= 0; at--)
        {
            var push = turn.Pushes[at];
            if (push.IsAnswered)
            {
                Forget(turn.Line, push);
                continue;
            }

            // From the first time on that it met somebody else's lock.
            push.HeldSince = turn.IsHeld ? push.HeldSince ?? clock.GetTimestamp() : null;
            turn.Line.PutBack(push);
        }

        Release(turn.Line, turn.IsHeld ? _held : _ready);
    }

    private void Release(SpaceLine line, Queue<SpaceLine> list)
    {
        if (line.First is not null)
        {
            list.Enqueue(line);
            return;
        }

        line.IsKnown = false;
        _lines.Remove(line.SpaceId);
    }

    private void Forget(SpaceLine line, PendingPush push)
    {
        _all.Remove(push);
        line.Load.Remove(push);
        var own = _principals[push.Context.Principal];
        own.Remove(push);
        if (own.Ops == 0)
        {
            _principals.Remove(push.Context.Principal);
        }
    }
}
