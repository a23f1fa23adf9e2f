using Microsoft.Extensions.Options;
using SyncServer.Core;
using SyncServer.Core.Push;

namespace SyncServer.Push;

/// <summary>
/// Gathers pushes that come while others are being decided, so that they share a transaction. A push that comes while a
/// worker is idle is decided at once: nothing waits for company. Pushes of one space are decided in the order in which
/// they came. Nothing here survives the process, and nothing has to: what is not answered is repeated by its client.
/// </summary>
internal sealed class CommitQueue(GroupCommit commit, TimeProvider clock, IOptions<QueueOptions> options)
{
    // A group's rows are held in memory as objects, as parameters and as bytes on the wire; beyond this many a larger
    // group is no cheaper for each op.
    private const int GroupOps = 1_000;

    // Every space of a group stays locked until its commit.
    private const int GroupSpaces = 256;

    // Requests of a group together; a larger one goes alone.
    private const long GroupBytes = 4L * 1024 * 1024;

    // Longer than lock_timeout, so that a space which is waited for gets its chance, and shorter than clients wait.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, SpaceLine> _lines = [];
    private readonly Queue<SpaceLine> _ready = new();
    private readonly Queue<SpaceLine> _held = new();
    private readonly QueueOptions _options = options.Value;
    private int _workers;
    private int _lanes;
    private int _ops;
    private long _bytes;

    /// <summary>
    /// One outcome per item, in order, stored with its effect; or the rejection of the whole push, of which nothing was
    /// looked at. Where the client is gone before its group begins nothing is decided; afterwards it is, regardless.
    /// </summary>
    public Task<(IReadOnlyList<Outcome>? Outcomes, Rejection? Rejection)> RunAsync(PendingPush push)
    {
        bool starts;
        lock (_gate)
        {
            if (_ops > 0 && (_ops + push.Items.Count > _options.QueueOps || _bytes + push.Bytes > _options.QueueBytes))
            {
                return Task.FromResult<(IReadOnlyList<Outcome>?, Rejection?)>((null, TooBusy));
            }

            _ops += push.Items.Count;
            _bytes += push.Bytes;
            if (!_lines.TryGetValue(push.Spec.SpaceId, out var line))
            {
                _lines.Add(push.Spec.SpaceId, line = new SpaceLine(push.Spec.SpaceId));
            }

            line.Add(push);
            if (!line.IsKnown)
            {
                line.IsKnown = true;
                _ready.Enqueue(line);
            }

            starts = _workers < _options.Workers && _ready.Count > 0;
            _workers += starts ? 1 : 0;
        }

        if (starts)
        {
            Start(WorkAsync);
        }

        return push.Answer;
    }

    /// <summary>How many ops wait or are being decided.</summary>
    public int Ops => Volatile.Read(ref _ops);

    private static Rejection TooBusy =>
        new(ErrorCode.Unavailable, "Too many pushes wait to be decided. Repeat the same bytes under the same key.");

    // On a thread of its own: the request's goes back to its client's connection.
    private static void Start(Func<Task> loop) => ThreadPool.UnsafeQueueUserWorkItem(static loop => _ = loop(), loop, preferLocal: false);

    private async Task WorkAsync()
    {
        while (NextGroup() is { } group)
        {
            await commit.RunAsync(group);
            Settle(group);
        }
    }

    /// <summary>The same for spaces that somebody else has locked: each is waited for alone, and holds up nobody else.</summary>
    private async Task WaitAsync()
    {
        while (NextHeld() is { } group)
        {
            await commit.RunAsync(group);
            Settle(group);
        }
    }

    private PushGroup? NextGroup()
    {
        lock (_gate)
        {
            var group = new PushGroup(waits: false);
            while (_ready.TryPeek(out var line) && HasRoom(group, line))
            {
                Take(group, _ready.Dequeue());
            }

            // Whoever adds a line from now on finds this worker gone and starts another.
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
        while (line.First is { } push && Fits(group, push) && MayFollow(turn, push))
        {
            line.RemoveFirst();
            if (IsGone(push))
            {
                Forget(push);
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

    private static bool MayFollow(SpaceTurn turn, PendingPush push) => turn.Pushes.Count == 0
        || !(turn.Pushes[0].IsAlone || turn.Pushes[0].Context.Atomic || push.IsAlone || push.Context.Atomic);

    /// <summary>Answers those whose client is gone, or has waited too long.</summary>
    private bool IsGone(PendingPush push)
    {
        if (push.IsAborted)
        {
            push.Fail(new OperationCanceledException());
        }
        else if (clock.GetElapsedTime(push.Since) > Patience)
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
            foreach (var turn in group.Turns)
            {
                for (var at = turn.Pushes.Count - 1; at >= 0; at--)
                {
                    if (turn.Pushes[at].IsAnswered)
                    {
                        Forget(turn.Pushes[at]);
                    }
                    else
                    {
                        turn.Line.PutBack(turn.Pushes[at]);
                    }
                }

                Release(turn.Line, turn.IsHeld ? _held : _ready);
            }

            laneStarts = _held.Count > 0 && _lanes < _options.Lanes;
            _lanes += laneStarts ? 1 : 0;
            workerStarts = _ready.Count > 0 && _workers < _options.Workers;
            _workers += workerStarts ? 1 : 0;
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

    private void Forget(PendingPush push)
    {
        _ops -= push.Items.Count;
        _bytes -= push.Bytes;
    }
}
