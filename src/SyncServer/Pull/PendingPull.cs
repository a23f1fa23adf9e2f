using Npgsql;

namespace SyncServer.Pull;

/// <summary>A pull from when it is queued until a shared statement has come to its page, or has not and it is read alone.</summary>
internal sealed class PendingPull(PullRequest request, CancellationToken aborted) : IDisposable
{
    // Beyond every head, by less than what is looked at behind it.
    private const long Beyond = long.MaxValue - SharedPages.Positions;

    private const int Waits = 0, IsSettled = 1, HasLeft = 2;

    // Whoever waits goes on elsewhere: a group does not answer its first pull while the others wait for theirs.
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ChangesJson _changes = new();
    private bool _fits = true;
    private int _state = Waits;

    public PullRequest Request => request;

    /// <summary>The seq after which changes are wanted.</summary>
    public long Position { get; } = request.After ?? Beyond;

    /// <summary>Changes that go on its page.</summary>
    public int Length { get; } = Math.Min(request.Limit, SharedPages.Changes);

    /// <summary>Whether nobody waits for it any more.</summary>
    public bool IsGone => aborted.IsCancellationRequested || Volatile.Read(ref _state) == HasLeft;

    /// <summary>Whether <see cref="Page"/> is the answer.</summary>
    public bool IsRead { get; private set; }

    /// <summary>The page; null where there is no such space.</summary>
    public PullPage? Page { get; private set; }

    /// <summary>Takes its row, of which a space that is not there has none.</summary>
    public void Read(NpgsqlDataReader row)
    {
        var reach = PullReach.Read(row, SharedSql.ReachAt);
        Page = Page is null ? PullPage.Of(reach, _changes) : throw new InvalidOperationException("A second row for a shared pull.");
        _fits = ReachesFar(reach) && _changes.TryRead(row, SharedSql.ChangesAt, reach.Length, request.BytesMax);
    }

    /// <summary>
    /// The statement has ended: its row is the page, if that is the one which a statement of its own would come to. Then nothing was left out
    /// for its size, and beyond what was looked at there is nothing that belongs on it.
    /// </summary>
    public void End()
    {
        IsRead = _fits;
        if (!_fits)
        {
            Dispose();
        }
    }

    /// <summary>Gives back what its changes are held in; it is read alone.</summary>
    public void Dispose()
    {
        (IsRead, Page) = (false, null);
        _changes.Dispose();
    }

    /// <summary>
    /// True once it <see cref="IsRead"/>, or will not be; false where whoever asked leaves before that, and then it is not theirs any more.
    /// </summary>
    public async ValueTask<bool> SettledAsync(TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            await _settled.Task.WaitAsync(patience, cancellation);
            return true;
        }
        catch (Exception left) when (left is TimeoutException or OperationCanceledException)
        {
            return Interlocked.CompareExchange(ref _state, HasLeft, Waits) != Waits;
        }
    }

    /// <summary>Lets whoever asked for it go on; where they have left, what was read is given back.</summary>
    public void Settle()
    {
        if (Interlocked.CompareExchange(ref _state, IsSettled, Waits) == Waits)
        {
            _settled.SetResult();
        }
        else
        {
            Dispose();
        }
    }

    /// <summary>Whether no more changes are wanted than were read, or all positions up to the head were looked at.</summary>
    private bool ReachesFar(PullReach reach) =>
        reach.Role is null || (reach.HasMore ? request.Limit <= Length : reach.Head - Position <= SharedPages.Positions);
}
