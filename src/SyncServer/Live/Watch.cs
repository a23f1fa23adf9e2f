namespace SyncServer.Live;

/// <summary>
/// One stream or wait that looks at a space. It is made before the first page is read, so that no write falls between a
/// page and the wait behind it: <see cref="Begin"/>, read, <see cref="StandAt"/>, <see cref="MovedAsync"/>, and again.
/// </summary>
internal sealed class Watch(SpaceWatches owner, Guid spaceId) : IDisposable
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiting;
    private long? _head;
    private long _hinted;
    private bool _hasChanged;

    public Guid SpaceId => spaceId;

    /// <summary>Whether a page that begins now may hold more than the last one.</summary>
    public bool HasMoved
    {
        get
        {
            lock (_gate)
            {
                return IsBehind;
            }
        }
    }

    private bool IsBehind => _hasChanged || _hinted > (_head ?? long.MaxValue);

    /// <summary>
    /// A page is about to be read. Hints follow their commit, so that whatever was hinted until now will be on it.
    /// </summary>
    public void Begin()
    {
        lock (_gate)
        {
            _hinted = 0;
            _hasChanged = false;
        }
    }

    /// <summary>The page was read from a snapshot with this head.</summary>
    public void StandAt(long head)
    {
        lock (_gate)
        {
            _head = head;
        }
    }

    /// <summary>
    /// Ends when the space has moved beyond the last page, at once where it already has; also after
    /// <paramref name="atMost"/>, and when <paramref name="ended"/> is cancelled. Which of them, the caller looks up.
    /// </summary>
    public async Task MovedAsync(TimeSpan atMost, CancellationToken ended)
    {
        Task moved;
        lock (_gate)
        {
            if (IsBehind)
            {
                return;
            }

            _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            moved = _waiting.Task;
        }

        await moved.WaitAsync(atMost, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc />
    public void Dispose() => owner.Remove(this);

    /// <summary>Somebody says that the space is at <paramref name="head"/>, perhaps late or twice.</summary>
    internal void Hint(long head)
    {
        lock (_gate)
        {
            _hinted = Math.Max(_hinted, head);
            Wake();
        }
    }

    /// <summary>
    /// The database says where the space is, or that there is none. Other than hints, that also tells of a space that was
    /// erased. A page that was read meanwhile is read once more.
    /// </summary>
    internal void Check(long? head)
    {
        lock (_gate)
        {
            _hasChanged |= _head is { } known && head != known;
            Wake();
        }
    }

    private void Wake()
    {
        if (IsBehind)
        {
            _waiting?.TrySetResult();
        }
    }
}
