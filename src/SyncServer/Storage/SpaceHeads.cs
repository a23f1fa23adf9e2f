namespace SyncServer.Storage;

/// <summary>
/// Tells whoever listens in this process that a space has moved to a head, after the commit and never inside it. A hint:
/// it may come late, twice or out of order, and losing one costs latency, never data.
/// </summary>
public sealed class SpaceHeads
{
    private Action<Guid, long> _listeners = (_, _) => { };

    /// <summary>Adds a listener for the life of the process, at composition. It returns at once and does not throw.</summary>
    public void Listen(Action<Guid, long> listener) => _listeners += listener;

    /// <summary>Called by whoever has committed a plan that moved the head.</summary>
    internal void Publish(Guid spaceId, long head) => _listeners(spaceId, head);
}
