using SyncServer.Core.Push;

namespace SyncServer.Push;

/// <summary>The pushes to one space, in the order in which they came. A space is in one group at a time.</summary>
internal sealed class SpaceLine(Guid spaceId)
{
    private readonly LinkedList<PendingPush> _waiting = new();

    public Guid SpaceId { get; } = spaceId;

    /// <summary>Whether it stands in one of the queue's lists or is in a group; whoever comes then only joins it.</summary>
    public bool IsKnown { get; set; }

    /// <summary>What of the space waits or is being decided.</summary>
    public QueueLoad Load { get; } = new();

    public PendingPush? First => _waiting.First?.Value;

    public void Add(PendingPush push)
    {
        _waiting.AddLast(push);
        Load.Add(push);
    }

    public void RemoveFirst() => _waiting.RemoveFirst();

    /// <summary>Those that a group left undecided go before all that came since.</summary>
    public void PutBack(PendingPush push) => _waiting.AddFirst(push);
}

/// <summary>What one group decides for one space.</summary>
internal sealed class SpaceTurn(SpaceLine line)
{
    public SpaceLine Line { get; } = line;

    public List<PendingPush> Pushes { get; } = [];

    /// <summary>What is to be written; null where nothing is.</summary>
    public SpacePlan? Plan { get; set; }

    /// <summary>Whether the plan must not be written: an atomic batch failed. Until it is answered, the plan still says what it has to look up.</summary>
    public bool Discards { get; set; }

    /// <summary>The size of the answers that were decided.</summary>
    public long AnswerBytes { get; set; }

    /// <summary>Whether somebody else has locked the space.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Nothing is decided and nothing is to be written; who was refused stays so.</summary>
    public void TakeBack()
    {
        Plan = null;
        Discards = false;
        AnswerBytes = 0;
        foreach (var push in Pushes)
        {
            push.Decide(null);
        }
    }

    /// <summary>The same; each push goes again in a group of its own.</summary>
    public void GoAlone()
    {
        TakeBack();
        foreach (var push in Pushes)
        {
            push.IsAlone = true;
        }
    }
}

/// <summary>How far a group has come, which says what a failure means.</summary>
internal enum GroupPhase
{
    /// <summary>Nothing was sent.</summary>
    Connecting,

    /// <summary>Spaces are being locked and read.</summary>
    Loading,

    /// <summary>Those spaces that are not trusted are locked, and nothing is written.</summary>
    Planning,

    /// <summary>The writes and COMMIT were sent.</summary>
    Committing,
}

/// <summary>Pushes that are decided in one transaction.</summary>
internal sealed class PushGroup(bool waits)
{
    /// <summary>Whether it waits for the lock of its space, which is then its only one.</summary>
    public bool Waits { get; } = waits;

    public List<SpaceTurn> Turns { get; } = [];

    public List<PendingPush> Pushes { get; } = [];

    public int Ops { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Whether what one push asks for is at the cost of others.</summary>
    public bool IsShared => Pushes.Count > 1;

    /// <summary>The size of all answers that were decided.</summary>
    public long AnswerBytes => Turns.Sum(turn => turn.AnswerBytes);

    public GroupPhase Phase { get; set; }

    /// <summary>Whether spaces may be planned on what is remembered of them; not again once that was in vain, and not where it waits.</summary>
    public bool MayTrust { get; set; } = !waits;

    /// <summary>Whether it goes again because what was trusted was not so.</summary>
    public bool WasBroken { get; set; }

    /// <summary>Whether one of them is, in this attempt.</summary>
    public bool Trusts { get; set; }

    /// <summary>The longest time that one push took to be planned.</summary>
    public TimeSpan Longest { get; set; }

    public void Add(SpaceTurn turn, PendingPush push)
    {
        turn.Pushes.Add(push);
        Pushes.Add(push);
        Ops += push.Items.Count;
        Bytes += push.Bytes;
    }

    /// <summary>Takes back all that an attempt decided.</summary>
    public void Begin()
    {
        Phase = GroupPhase.Connecting;
        Trusts = false;
        Longest = TimeSpan.Zero;
        foreach (var turn in Turns)
        {
            turn.TakeBack();
            turn.IsHeld = false;
        }

        foreach (var push in Pushes)
        {
            push.Refuse(null);
        }
    }
}
