namespace SyncServer.Push;

/// <summary>What waits or is being decided: of everybody, of one space or of one principal.</summary>
internal sealed class QueueLoad
{
    private long _bytes;

    /// <summary>How many pushes.</summary>
    public int Pushes { get; private set; }

    /// <summary>How many ops.</summary>
    public int Ops { get; private set; }

    /// <summary>Whether the push keeps within the bounds; one that comes while there is nothing else always may.</summary>
    public bool HasRoom(PendingPush push, long ops, long bytes) =>
        Ops == 0 || (Ops + (long)push.Items.Count <= ops && _bytes + push.Bytes <= bytes);

    /// <summary>Counts a push that was taken.</summary>
    public void Add(PendingPush push)
    {
        Pushes++;
        Ops += push.Items.Count;
        _bytes += push.Bytes;
    }

    /// <summary>Forgets a push that is answered.</summary>
    public void Remove(PendingPush push)
    {
        Pushes--;
        Ops -= push.Items.Count;
        _bytes -= push.Bytes;
    }
}
