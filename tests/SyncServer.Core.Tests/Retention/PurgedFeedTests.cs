using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Pull;
using SyncServer.Core.Retention;

namespace SyncServer.Core.Tests.Retention;

/// <summary>
/// Devices that pull page by page from a space that is written and purged meanwhile: whoever reaches the head holds what the
/// space holds, and nobody is sent back without need.
/// </summary>
public class PurgedFeedTests
{
    [Fact]
    public void Whatever_is_purged_while_devices_page_they_end_with_what_the_space_holds()
    {
        var step = from kind in Gen.Choose(0, 9)
                   from who in Gen.Choose(0, 2)
                   from amount in Gen.Choose(1, 3)
                   select (kind, who, amount);
        Property.Holds(Gen.ArrayOf(step, 80), steps =>
        {
            var space = new PurgedSpace();
            PullingDevice[] devices = [new(space), new(space), new(space)];
            foreach (var (kind, who, amount) in steps)
            {
                switch (kind)
                {
                    case <= 2:
                        space.Write(who);
                        break;
                    case 3:
                        space.Delete(who);
                        break;
                    case 4:
                        space.Now = space.Now.AddMinutes(amount);
                        break;
                    case 5 or 6:
                        space.Purge();
                        break;
                    default:
                        devices[who].Pull(amount);
                        break;
                }
            }
        });
    }
}

/// <summary>A space as far as retention and pulls see it.</summary>
internal sealed class PurgedSpace
{
    /// <summary>Small, so that purging takes several steps.</summary>
    private const int Limit = 2;

    public static readonly Retentions Kept = new()
    {
        IdempotencyRetention = TimeSpan.FromMinutes(3),
        TombstoneRetention = TimeSpan.FromMinutes(3),
        HistoryRetention = TimeSpan.FromMinutes(5),
    };

    private Horizons _horizons;

    public DateTimeOffset Now { get; set; } = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    public long Head { get; private set; }

    public SortedDictionary<long, Moment> Log { get; } = [];

    /// <summary>The feed: each record, and whether it is deleted, at the seq of its last change.</summary>
    public SortedDictionary<long, (int Id, bool Deleted, DateTimeOffset At)> Feed { get; } = [];

    public IEnumerable<(int Id, long Seq)> Live => Feed.Where(entry => !entry.Value.Deleted).Select(entry => (entry.Value.Id, entry.Key));

    public void Write(int id) => Change(id, deleted: false);

    public void Delete(int id)
    {
        if (Live.Any(live => live.Id == id))
        {
            Change(id, deleted: true);
        }
    }

    private void Change(int id, bool deleted)
    {
        foreach (var (seq, _) in Feed.Where(entry => entry.Value.Id == id).ToList())
        {
            Feed.Remove(seq);
        }

        Head++;
        Feed[Head] = (id, deleted, Now);
        Log[Head] = new Moment(Head, Now);
    }

    /// <summary>A tag that no other position has.</summary>
    public long? TagAt(long seq) => Log.ContainsKey(seq) ? seq * 1000 : null;

    public PullView ViewFrom(long position) => new(Epoch: 1, Head, _horizons.Tombstones, TagAt(position), Filter: 0);

    public void Purge()
    {
        var tombstones = Feed.Where(entry => entry.Value.Deleted).Select(entry => new Moment(entry.Key, entry.Value.At)).Take(Limit).ToList();
        var purge = LogPurge.Of(new OldEnd(_horizons, tombstones, [.. Log.Values.Take(Limit)], Limit), Cutoffs.At(Now, Kept));
        foreach (var seq in Feed.Where(entry => entry.Value.Deleted && entry.Key <= purge.TombstonesTo).Select(entry => entry.Key).ToList())
        {
            Assert.True(Now - Feed[seq].At >= Kept.TombstoneRetention);
            Feed.Remove(seq);
        }

        foreach (var seq in Log.Keys.Where(seq => seq <= purge.HistoryTo).ToList())
        {
            Assert.True(Now - Log[seq].At >= Kept.HistoryRetention);
            Log.Remove(seq);
        }

        Assert.True(purge.Horizons.Tombstones >= _horizons.Tombstones && purge.Horizons.History >= _horizons.History);
        Assert.True(purge.Horizons.History == 0 || purge.Horizons.History < purge.Horizons.Tombstones);
        Assert.True(purge.Horizons.Tombstones <= Head);
        Assert.DoesNotContain(Feed, entry => entry.Value.Deleted && entry.Key < purge.Horizons.Tombstones);
        Assert.Equal(Head - purge.Horizons.History, Log.Count);
        _horizons = purge.Horizons;
    }
}

/// <summary>A device that pulls as the protocol says.</summary>
internal sealed class PullingDevice(PurgedSpace space)
{
    private readonly Dictionary<int, long> _records = [];
    private Cursor? _cursor;
    private DateTimeOffset _headReached;

    /// <summary>One page; 410 begins again, with nothing of what it held.</summary>
    public void Pull(int limit)
    {
        if (_cursor is { } cursor && Resync.Check(cursor, space.ViewFrom(cursor.Position)) is { } reason)
        {
            Assert.Equal(ResyncReason.Expired, reason);
            var isFirstPull = cursor.Floor > 0;
            Assert.True(isFirstPull || space.Now - _headReached >= PurgedSpace.Kept.TombstoneRetention, "Sent back too early.");
            Assert.True(isFirstPull || cursor.Position < space.Head, "Sent back from the head.");
            _records.Clear();
            _cursor = null;
        }

        var floor = _cursor?.Floor ?? space.Head;
        var page = space.Feed
            .Where(entry => entry.Key > (_cursor?.Position ?? 0) && !(entry.Value.Deleted && entry.Key <= floor))
            .Take(limit + 1).ToList();
        var hasMore = page.Count > limit;
        foreach (var (seq, (id, deleted, _)) in page.Take(limit))
        {
            _records.Remove(id);
            if (!deleted)
            {
                _records.Add(id, seq);
            }
        }

        var position = hasMore ? page[limit - 1].Key : space.Head;
        _cursor = new Cursor(Guid.Empty, Epoch: 1, position, space.TagAt(position) ?? 0, hasMore ? floor : 0, Filter: 0);
        if (!hasMore)
        {
            _headReached = space.Now;
            Assert.Equal(space.Live.OrderBy(live => live.Id), _records.Select(held => (held.Key, held.Value)).OrderBy(held => held.Key));
        }
    }
}
