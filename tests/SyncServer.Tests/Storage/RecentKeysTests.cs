using System.Globalization;
using SyncServer.Core.Ops;
using SyncServer.Storage;

namespace SyncServer.Tests.Storage;

/// <summary>Which op ids and records were written lately.</summary>
public sealed class RecentKeysTests
{
    private static readonly Guid space = Guid.NewGuid();

    [Fact]
    public void An_op_or_a_record_that_was_written_lately_is_met_again()
    {
        var recent = new RecentKeys();
        Assert.False(recent.HasAny(Spec(space, "anna", "a b", "1 2")));
        recent.Add(Spec(space, "anna", "a b", "1 2"));
        Assert.Equal(
            (true, true, true, true, false, false),
            (Has("a", ""), Has("x b", "8"), Has("x", "1"), Has("x", "8 2"), Has("x", "8"), Has("", "")));
        bool Has(string opIds, string records) => recent.HasAny(Spec(space, "anna", opIds, records));
    }

    [Fact]
    public void An_op_is_its_principals_and_a_record_is_everybodys_in_the_space()
    {
        var recent = new RecentKeys();
        var elsewhere = Guid.NewGuid();
        recent.Add(Spec(space, "anna", "a", "1"));
        Assert.Equal((false, true), (recent.HasAny(Spec(space, "ben", "a", "8")), recent.HasAny(Spec(space, "ben", "x", "1"))));
        Assert.False(recent.HasAny(Spec(elsewhere, "anna", "a", "1")));
        Assert.False(recent.HasAny(Spec(space, "anna", "1", "a")));
        Assert.False(recent.HasAny(Spec(space, "anna", "x", "8") with { Records = [new RecordKey("task", "1")] }));
    }

    [Fact]
    public void A_newer_key_takes_the_place_of_an_older_one()
    {
        // Sixteen for each place: that one stays for all of them is one chance in nine million.
        const int Keys = 16 * (1 << 16);
        var recent = new RecentKeys();
        recent.Add(Spec(space, "anna", "old", ""));
        for (var i = 0; i < Keys; i++)
        {
            recent.Add(Spec(space, "anna", i.ToString(CultureInfo.InvariantCulture), ""));
        }

        Assert.False(recent.HasAny(Spec(space, "anna", "old", "")));
        Assert.True(recent.HasAny(Spec(space, "anna", (Keys - 1).ToString(CultureInfo.InvariantCulture), "")));
    }

    private static LoadSpec Spec(Guid of, string principal, string opIds, string records) => new(of, principal, "phone")
    {
        OpIds = Split(opIds),
        Records = [.. Split(records).Select(id => new RecordKey("note", id))],
    };

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
