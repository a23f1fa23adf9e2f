using SyncServer.Core.Pull;

namespace SyncServer.Core.Tests.Pull;

public class ResyncTests
{
    private static readonly PullView View = new(Epoch: 1, Head: 10, Horizon: 5, TagAtPosition: 77, Filter: 3);

    private static Cursor At(long position, long tag = 77, long floor = 0) => new(Guid.Empty, Epoch: 1, position, tag, floor, Filter: 3);

    [Theory]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(10)]
    public void A_cursor_from_the_horizon_to_the_head_holds(long position) => Assert.Null(Resync.Check(At(position), View));

    [Fact]
    public void A_cursor_at_the_beginning_holds_while_nothing_was_purged() =>
        Assert.Null(Resync.Check(At(0, tag: 0), View with { Horizon = 0, TagAtPosition = null }));

    [Fact]
    public void A_cursor_of_another_history_is_of_another_epoch_whatever_else_is_wrong() =>
        Assert.Equal(ResyncReason.Epoch, Resync.Check(At(11), View with { Epoch = 2, Filter = 4 }));

    [Fact]
    public void A_cursor_above_the_head_is_ahead() => Assert.Equal(ResyncReason.Ahead, Resync.Check(At(11), View));

    [Fact]
    public void A_cursor_whose_change_is_another_now_is_ahead() =>
        Assert.Equal(ResyncReason.Ahead, Resync.Check(At(7, tag: 78), View));

    [Fact]
    public void A_cursor_whose_change_is_missing_above_the_horizon_is_ahead() =>
        Assert.Equal(ResyncReason.Ahead, Resync.Check(At(7), View with { TagAtPosition = null }));

    [Fact]
    public void A_cursor_at_the_horizon_holds_though_its_change_is_purged() => Assert.Null(Resync.Check(At(5), View with { TagAtPosition = null }));

    [Fact]
    public void A_cursor_below_the_horizon_is_expired() => Assert.Equal(ResyncReason.Expired, Resync.Check(At(4), View));

    [Fact]
    public void During_a_first_pull_the_head_at_its_start_counts()
    {
        Assert.Null(Resync.Check(At(2, floor: 5), View));
        Assert.Null(Resync.Check(At(2, floor: 5), View with { TagAtPosition = null }));
        Assert.Equal(ResyncReason.Expired, Resync.Check(At(2, floor: 4), View));
        Assert.Equal(ResyncReason.Ahead, Resync.Check(At(2, tag: 78, floor: 5), View));
    }

    [Fact]
    public void Another_filter_asks_for_a_resync() => Assert.Equal(ResyncReason.Filter, Resync.Check(At(7), View with { Filter = 4 }));
}
