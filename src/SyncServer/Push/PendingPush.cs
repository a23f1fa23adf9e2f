using SyncServer.Core;
using SyncServer.Core.Push;
using SyncServer.Storage;

namespace SyncServer.Push;

/// <summary>A push from when it is queued until it is answered.</summary>
internal sealed class PendingPush(PushRequest request, PushContext context, LoadSpec spec, CancellationToken aborted)
{
    // Whoever waits goes on elsewhere: a group does not answer its first push while the others wait for theirs.
    private readonly TaskCompletionSource<(IReadOnlyList<Outcome>?, Rejection?)> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<Outcome>? _outcomes;
    private Exception? _failure;

    public LoadSpec Spec { get; } = spec;

    public PushContext Context { get; } = context;

    public IReadOnlyList<PushItem> Items => request.Items;

    public long Bytes => request.Bytes;

    /// <summary>Whether its client is gone.</summary>
    public bool IsAborted => aborted.IsCancellationRequested;

    /// <summary>When it was queued, or fell with a group in which it was not alone, by the clock's ticks.</summary>
    public long Since { get; set; }

    /// <summary>Since when somebody else has its space locked; null where nobody is known to.</summary>
    public long? HeldSince { get; set; }

    /// <summary>Set once it has to be decided in a group of its own.</summary>
    public bool IsAlone { get; set; }

    /// <summary>Whether nothing was read for it in this attempt, because all that it makes is taken to be new.</summary>
    public bool IsTakenForNew { get; set; }

    /// <summary>Whether one of its ops came to something else than a success that is stored.</summary>
    public bool HasRefusals => _outcomes?.Any(static outcome => !outcome.IsStored || !outcome.IsSuccess) == true;

    /// <summary>What was decided in a transaction of which nobody knows whether it was committed.</summary>
    public IReadOnlyList<Outcome>? Lost { get; private set; }

    /// <summary>How often that happened.</summary>
    public int Losses { get; private set; }

    /// <summary>Why nothing of it was looked at.</summary>
    public Rejection? Rejection { get; private set; }

    /// <summary>Whether there is an answer; one without goes back to its place.</summary>
    public bool IsAnswered => _outcomes is not null || Rejection is not null || _failure is not null;

    /// <summary>What the endpoint waits for.</summary>
    public Task<(IReadOnlyList<Outcome>? Outcomes, Rejection? Rejection)> Answer => _answer.Task;

    /// <summary>The outcomes of the group that is being decided; null takes them back.</summary>
    public void Decide(IReadOnlyList<Outcome>? outcomes) => _outcomes = outcomes;

    /// <summary>Nothing was looked at.</summary>
    public void Refuse(Rejection? rejection) => Rejection = rejection;

    /// <summary>The outcome is unknown to the client, which repeats the push.</summary>
    public void Fail(Exception failure)
    {
        _outcomes = null;
        Rejection = null;
        _failure = failure;
    }

    /// <summary>The group's commit was sent and not answered: the next attempt looks first whether it was carried out.</summary>
    public void Lose()
    {
        Lost = _outcomes ?? Lost;
        Losses++;
        _outcomes = null;
    }

    /// <summary>Lets the endpoint go on.</summary>
    public void Complete()
    {
        if (_failure is OperationCanceledException)
        {
            _answer.SetCanceled(aborted);
        }
        else if (_failure is not null)
        {
            _answer.SetException(_failure);
        }
        else
        {
            _answer.SetResult((_outcomes, Rejection));
        }
    }
}
