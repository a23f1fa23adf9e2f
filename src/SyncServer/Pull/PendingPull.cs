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
    private SharedReach? _reach;
    private int _found;
    private bool _isTooLarge;
    private int _state = Waits;

    public PullRequest Request => request;

    /// <summary>The seq after which changes are wanted.</summary>
    public long Position { get; } = request.After ?? Beyond;

    /// <summary>Changes that go on its page.</summary>
    public int Length { get; } = Math.Min(request.Limit, SharedPages.Changes);

    /// <summary>Whether nobody waits for it any more.</summary>
    public bool IsGone => aborted.IsCancellationRequested || Volatile.Read(ref _state) == HasLeft;

    /// <summary>Whether more lies behind the page, which then ends at a change whose tag has to be looked up.</summary>
    public bool HasMore => _found > Length;

    /// <summary>The seq of the last change on the page; 0 where it has none.</summary>
    public long Last { get; private set; }

    /// <summary>The tag of that change; 0 where there is none any more.</summary>
    public long LastTag { get; set; }

    /// <summary>
    /// Whether this is the page that a statement of its own would come to: nothing was left out for its size, and beyond what was
    /// looked at there is nothing that belongs on it.
    /// </summary>
    public bool Fits => !_isTooLarge && (_reach is not { Role: not null } reach
        || (HasMore ? request.Limit <= Length : reach.Head - Position <= SharedPages.Positions));

    /// <summary>Whether <see cref="Page"/> is the answer.</summary>
    public bool IsRead { get; private set; }

    /// <summary>The page; null where there is no such space.</summary>
    public PullPage? Page { get; private set; }

    /// <summary>Takes one of its rows: where the space stands comes first, then changes in the order of their seq.</summary>
    public void Add(NpgsqlDataReader row)
    {
        if (!row.IsDBNull(SharedSql.ReachAt))
        {
            _reach = _reach is null ? new SharedReach(row.GetFieldValue<long?[]>(SharedSql.ReachAt)) : throw Misread();
        }
        else if (_reach is null || row.GetInt64(SharedSql.SeqAt) is var seq && seq <= Last)
        {
            throw Misread();
        }
        else if (++_found <= Length && !_isTooLarge)
        {
            Last = seq;
            AddChange(row);
        }
    }

    /// <summary>Makes the page of its rows, where it <see cref="Fits"/>.</summary>
    public void End()
    {
        if (!Fits)
        {
            Dispose();
            return;
        }

        IsRead = true;
        _changes.End();
        Page = _reach is not { } reach ? null : new PullPage(reach.Head, reach.Horizon, reach.Role, reach.TagAtPosition)
        {
            HasMore = HasMore,
            Next = HasMore ? Last : reach.Head,
            NextTag = HasMore ? LastTag : reach.TagAtHead,
            Changes = _changes,
        };
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

    private void AddChange(NpgsqlDataReader row)
    {
        // A live record always has data: where it comes without, it is larger than a shared row may be.
        if (row.IsDBNull(SharedSql.DataAt) && !row.GetBoolean(SharedSql.DeletedAt))
        {
            _isTooLarge = true;
        }
        else
        {
            _changes.Add(row, SharedSql.ChangeAt);
            _isTooLarge = _changes.Size > request.BytesMax;
        }

        if (_isTooLarge)
        {
            _changes.Dispose();
        }
    }

    private static InvalidOperationException Misread() => new("The rows of a shared pull came in another order than they were asked for.");
}
