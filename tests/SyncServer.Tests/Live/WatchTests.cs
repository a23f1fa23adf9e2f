using SyncServer.Live;
using SyncServer.Storage;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Live;

/// <summary>Waking up: register, read, wait, and no write falls between.</summary>
public sealed class WatchTests
{
    private static readonly Guid Space = Guid.NewGuid();

    [Fact]
    public void A_watch_has_moved_when_something_beyond_its_page_was_said_since_the_page_began()
    {
        Assert.False(After(watch => { }, watch => { }));
        Assert.False(After(watch => watch.Hint(9), watch => { }));
        Assert.True(After(watch => { }, watch => watch.Hint(6)));
        Assert.False(After(watch => { }, watch => watch.Hint(5)));
        Assert.True(After(watch => { }, watch => { }, watch => watch.Hint(6)));
        Assert.False(After(watch => { }, watch => { }, watch => watch.Hint(4)));
        Assert.True(After(watch => { }, watch => { }, watch => watch.Check(6)));
        Assert.False(After(watch => { }, watch => { }, watch => watch.Check(5)));

        // The database has another history, or the space is gone.
        Assert.True(After(watch => { }, watch => { }, watch => watch.Check(4)));
        Assert.True(After(watch => { }, watch => { }, watch => watch.Check(null)));

        // Its epoch has ended, wherever it is.
        Assert.False(After(watch => watch.Change(), watch => { }));
        Assert.True(After(watch => { }, watch => watch.Change()));
        Assert.True(After(watch => { }, watch => { }, watch => watch.Change()));
    }

    [Fact]
    public async Task A_wait_ends_with_its_time_or_its_stream()
    {
        using var watch = new SpaceWatches(new SpaceHeads()).Watch(Space);
        watch.Begin();
        watch.StandAt(5);
        await watch.MovedAsync(TimeSpan.FromMilliseconds(1), default);
        using var ended = new CancellationTokenSource();
        var waiting = watch.MovedAsync(Timeout.InfiniteTimeSpan, ended.Token);
        Assert.False(waiting.IsCompleted);
        await ended.CancelAsync();
        await waiting;
        Assert.False(watch.HasMoved);
    }

    [Fact]
    public async Task Whoever_reads_and_waits_while_others_write_comes_to_the_last_head()
    {
        const int Seeds = 200, Writes = 60;
        for (var seed = 0; seed < Seeds; seed++)
        {
            var heads = new SpaceHeads();
            var watches = new SpaceWatches(heads);
            var random = new Random(seed);
            var pauses = Enumerable.Range(0, Writes).Select(_ => random.Next(50)).ToArray();
            long head = 0;
            var writing = Task.Run(() =>
            {
                foreach (var pause in pauses)
                {
                    heads.Publish(Space, Interlocked.Increment(ref head));
                    Thread.SpinWait(pause);
                }
            });
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                using var watch = watches.Watch(Space);
                while (true)
                {
                    watch.Begin();
                    var read = Interlocked.Read(ref head);

                    // A page takes its time, and the others go on meanwhile.
                    await Task.Yield();
                    watch.StandAt(read);
                    if (read == Writes)
                    {
                        return;
                    }

                    await watch.MovedAsync(Timeout.InfiniteTimeSpan, default).WaitAsync(Patience.Whole);
                }
            })));
            await writing;
            Assert.Empty(watches.Spaces());
        }
    }

    /// <summary>Whether a watch has moved that stands at 5, after what happened before, during and behind its page.</summary>
    private static bool After(Action<Watch> before, Action<Watch> during, Action<Watch>? behind = null)
    {
        using var watch = new SpaceWatches(new SpaceHeads()).Watch(Space);
        before(watch);
        watch.Begin();
        during(watch);
        watch.StandAt(5);
        behind?.Invoke(watch);
        return watch.HasMoved;
    }
}
