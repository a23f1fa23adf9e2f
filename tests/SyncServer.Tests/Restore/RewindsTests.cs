using SyncServer.Storage;

namespace SyncServer.Tests.Restore;

/// <summary>What one look after another says about a restore.</summary>
public sealed class RewindsTests
{
    private static readonly HistoryMarks One = new("c1", 1);
    private static readonly Sighting Before = Seen("e2", 100, One, One);

    [Fact]
    public void Nothing_speaks_for_a_restore_where_the_log_grows_or_stands_still()
    {
        Assert.Null(Sign(Before, before: null));
        Assert.Null(Sign(Before));
        Assert.Null(Sign(Seen("e2", 101, One, One)));
    }

    [Fact]
    public void Another_cluster_is_a_sign_whatever_else_is_the_same() =>
        Assert.Equal(RewindSign.Cluster, Sign(Seen("e2", 101, One, new("c2", 1))));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Another_timeline_is_a_sign_unless_no_failover_loses_anything(int timeline)
    {
        var promoted = Seen("e2", 101, new("c1", 2), new("c1", timeline == 2 ? 1 : timeline));
        Assert.Equal(RewindSign.Timeline, Sign(promoted));
        Assert.Null(Sign(promoted, perTimeline: false));
    }

    [Fact]
    public void A_mark_that_is_not_told_or_was_never_noted_is_no_sign()
    {
        Assert.Null(Sign(Seen("e2", null, One, default)));
        Assert.Null(Sign(Seen("e2", 101, default, One)));
    }

    [Fact]
    public void A_log_that_became_shorter_on_its_timeline_is_a_sign_while_the_epoch_is_the_same()
    {
        Assert.Equal(RewindSign.Log, Sign(Seen("e2", 99, One, One)));
        Assert.Null(Sign(Seen("e2", 99, new("c1", 2), new("c1", 2))));
        Assert.Null(Sign(Seen("e3", 99, One, One)));
        Assert.Null(Sign(Seen("e2", 99, One, One), before: null));
    }

    [Fact]
    public void A_shorter_log_is_no_sign_where_the_timeline_is_not_told()
    {
        var untold = new HistoryMarks("c1", null);
        Assert.Null(Sign(Seen("e2", 99, untold, untold), Seen("e2", 100, untold, untold)));
    }

    [Fact]
    public void A_table_that_was_made_anew_is_a_sign_in_the_same_cluster_and_none_before_it_was_noted()
    {
        var (old, restored) = (One with { Table = 7 }, One with { Table = 8 });
        Assert.Equal(RewindSign.Table, Sign(Seen("e2", 101, old, restored)));
        Assert.Null(Sign(Seen("e2", 101, One, restored)));
        Assert.Null(Sign(Seen("e2", 101, restored, restored)));
    }

    [Fact]
    public void Of_two_looks_at_once_neither_decides_unless_they_say_the_same()
    {
        Assert.True(Rewinds.Continues(Before, Before));
        Assert.True(Rewinds.Continues(Seen("e2", 101, One, One), Before));
        Assert.False(Rewinds.Continues(Seen("e2", 99, One, One), Before));
        Assert.False(Rewinds.Continues(Seen("e1", 101, One, One), Before));
        Assert.False(Rewinds.Continues(Seen("e2", 101, One, new("c1", 2)), Before));
        Assert.False(Rewinds.Continues(Before, null));
    }

    [Fact]
    public void An_epoch_that_is_over_and_comes_back_is_a_sign() => Assert.Equal(RewindSign.Epoch, Sign(Seen("e1", 101, One, One)));

    private static Sighting Seen(string epoch, long? flushed, HistoryMarks noted, HistoryMarks found) =>
        new(new History(epoch, default), noted, found) { Flushed = flushed };

    private static RewindSign? Sign(Sighting now, bool perTimeline = true) => Sign(now, Before, perTimeline);

    private static RewindSign? Sign(Sighting now, Sighting? before, bool perTimeline = true) =>
        Rewinds.SignOf(now, before, new HashSet<string>(["e1"]), perTimeline);
}
