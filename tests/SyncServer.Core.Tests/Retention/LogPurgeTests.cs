using SyncServer.Core.Retention;

namespace SyncServer.Core.Tests.Retention;

public class LogPurgeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private static readonly Retentions Kept = new()
    {
        IdempotencyRetention = TimeSpan.FromHours(1),
        TombstoneRetention = TimeSpan.FromHours(2),
        HistoryRetention = TimeSpan.FromHours(3),
    };

    [Fact]
    public void Retentions_count_back_from_now() =>
        Assert.Equal(new Cutoffs(Now.AddHours(-1), Now.AddHours(-2), Now.AddHours(-3)), Cutoffs.At(Now, Kept));

    [Fact]
    public void Nothing_old_is_nothing_to_do() =>
        AssertStep(new(new Horizons(0, 0), null, null, false), Step(tombstones: [(2, 1)], log: [(1, 2), (2, 1)]));

    [Fact]
    public void The_tombstone_horizon_rises_to_the_last_tombstone_that_goes_and_no_further() =>
        AssertStep(new(new Horizons(4, 0), 4, null, false), Step(tombstones: [(2, 5), (4, 2), (9, 1)], log: [(1, 2.5), (2, 2.5)]));

    [Fact]
    public void The_youngest_old_change_stays_and_with_it_the_cursors_that_stand_there() =>
        AssertStep(new(new Horizons(3, 2), null, 2, false), Step(log: [(1, 9), (2, 8), (3, 7), (4, 1)]));

    [Fact]
    public void A_space_that_lies_still_keeps_its_last_change() =>
        AssertStep(new(new Horizons(2, 1), null, 1, false), Step(log: [(1, 9), (2, 8)]));

    [Fact]
    public void Of_a_single_change_nothing_goes() =>
        AssertStep(new(new Horizons(7, 6), null, null, false), Step(from: new Horizons(7, 6), log: [(7, 9)]));

    [Fact]
    public void The_tombstone_horizon_never_falls() =>
        AssertStep(new(new Horizons(8, 2), null, 2, false), Step(from: new Horizons(8, 0), log: [(1, 9), (2, 8), (3, 7)]));

    [Fact]
    public void The_log_stays_from_the_first_tombstone_on_that_was_not_reached() =>
        AssertStep(new(new Horizons(3, 2), 2, 2, true), Step(limit: 2, tombstones: [(1, 9), (2, 9)], log: [(1, 9), (2, 9), (3, 9), (4, 9)]));

    [Fact]
    public void A_tombstone_that_is_too_young_by_a_clock_that_went_back_holds_up_what_lies_behind_it() =>
        AssertStep(new(new Horizons(2, 1), null, 1, false), Step(tombstones: [(2, 1), (3, 9)], log: [(1, 9), (2, 9), (3, 9)]));

    [Fact]
    public void A_full_step_may_be_followed_by_another_but_an_empty_one_never()
    {
        Assert.True(Step(limit: 3, log: [(1, 9), (2, 9), (3, 9)]).MayGoOn);
        Assert.True(Step(limit: 1, tombstones: [(1, 9)], log: [(1, 1)]).MayGoOn);
        Assert.False(Step(limit: 1, log: [(1, 9)]).MayGoOn);
    }

    [Fact]
    public void What_is_exactly_as_old_as_its_retention_goes() =>
        Assert.Equal(1, Step(tombstones: [(1, 2)], log: [(1, 2)]).TombstonesTo);

    /// <summary>A step on moments that lie so many hours back.</summary>
    private static LogPurge Step(
        (long Seq, double Hours)[]? tombstones = null, (long Seq, double Hours)[]? log = null, Horizons from = default, int limit = 100)
    {
        static Moment[] Moments((long Seq, double Hours)[]? given) =>
            [.. (given ?? []).Select(moment => new Moment(moment.Seq, Now.AddHours(-moment.Hours)))];
        return LogPurge.Of(new OldEnd(from, Moments(tombstones), Moments(log), limit), Cutoffs.At(Now, Kept));
    }

    private static void AssertStep(LogPurge expected, LogPurge step) => Assert.Equal(expected, step);
}
