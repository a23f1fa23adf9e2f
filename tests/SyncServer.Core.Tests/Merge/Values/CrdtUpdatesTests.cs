using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Tests.Merge.Values;

public class CrdtUpdatesTests
{
    private const int Most = 100;

    private static readonly string[] Updates = ["", "AA==", "AQI=", "AQID", "+/+/"];

    private static readonly Gen<List<string>> Some = Gen.SubListOf(Updates);

    [Fact]
    public void An_append_to_nothing_makes_the_field() =>
        Assert.Equal("""{"updates":["AQID","AA=="]}""", Appended(null, "AQID", "AA==", "AQID"));

    [Fact]
    public void An_append_adds_what_is_new_and_keeps_the_order() =>
        Assert.Equal("""{"updates":["AQID","AA==","AQI="]}""", Appended("""{"updates":["AQID","AA=="]}""", "AA==", "AQI="));

    [Fact]
    public void The_same_bytes_are_one_update_however_they_are_written() =>
        Assert.Equal("""{"updates":["AQI="]}""", Appended("""{"updates":["AQI="]}""", "AQJ="));

    [Fact]
    public void Where_nothing_changes_the_value_stays_the_one_that_was_there()
    {
        var field = Worlds.Parsed("""{"updates":["AQID","AA=="]}""");
        Assert.Same(field, CrdtUpdates.Append(field, ["AA=="], Most).Value);
        Assert.Same(field, CrdtUpdates.Append(field, [], Most).Value);
        Assert.Same(field, CrdtUpdates.Compact(field, "AA==", [Hash("AA=="), Hash("AQI=")], Most).Value);
    }

    [Fact]
    public void A_compaction_removes_what_it_replaces_and_adds_its_snapshot() =>
        Assert.Equal("""{"updates":["AQI=","+/+/"]}""",
            Compacted("""{"updates":["AQID","AQI=","AA=="]}""", "+/+/", Hash("AQID"), Hash("AA==").ToUpperInvariant(), Hash("")));

    [Fact]
    public void A_compaction_of_nothing_is_its_snapshot() =>
        Assert.Equal("""{"updates":["+/+/"]}""", Compacted(null, "+/+/", Hash("AQID")));

    [Fact]
    public void Concurrent_compactions_lose_nothing()
    {
        const string Field = """{"updates":["AQID","AQI="]}""";
        var one = Compacted(Field, "AA==", Hash("AQID"), Hash("AQI="));
        Assert.Equal("""{"updates":["AA==","+/+/"]}""", Compacted(one, "+/+/", Hash("AQID"), Hash("AQI=")));
    }

    [Fact]
    public void Appends_are_sets_that_commute_and_may_be_repeated() =>
        Property.Holds(Some.Three(), lists =>
        {
            var (held, first, second) = lists;
            var field = CrdtUpdates.Append(null, [.. held], Most).Value;
            Assert.Equal(held.Union(first).Union(second).ToHashSet(), Set(Append(Append(field, first), second)));
            Assert.Equal(Set(Append(Append(field, first), second)), Set(Append(Append(field, second), first)));
            Assert.Equal(Append(field, first), Append(Append(field, first), first));
        });

    [Fact]
    public void A_compaction_may_be_repeated() =>
        Property.Holds(Some.Three(), lists =>
        {
            var field = CrdtUpdates.Append(null, [.. lists.Item1], Most).Value;
            foreach (var snapshot in lists.Item2)
            {
                var once = CrdtUpdates.Compact(field, snapshot, [.. lists.Item3.Select(Hash)], Most).Value;
                Assert.Equal(lists.Item1.Except(lists.Item3).Append(snapshot).ToHashSet(), Set(once));
                Assert.Equal(Set(once), Set(CrdtUpdates.Compact(once, snapshot, [.. lists.Item3.Select(Hash)], Most).Value));
            }
        });

    [Theory]
    [InlineData("AQI")]
    [InlineData("AQ=")]
    [InlineData("A===")]
    [InlineData("AQ I")]
    [InlineData("AQID\n")]
    [InlineData("-_-_")]
    [InlineData("AQID====")]
    [InlineData("é123")]
    public void What_is_not_base64_of_the_standard_alphabet_is_named(string update)
    {
        const string Detail = "Update 2 of 2 is not base64 of the standard alphabet with its padding (RFC 4648, 4).";
        Assert.Equal((null, Detail), CrdtUpdates.Append(null, ["AA==", update], Most));
        Assert.Equal((null, Detail.Replace("2 of 2", "1 of 1", StringComparison.Ordinal)), CrdtUpdates.Compact(null, update, [], Most));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("g000000000000000000000000000000000000000000000000000000000000000")]
    public void What_is_not_a_hash_is_named(string hash) =>
        Assert.Equal((null, "Hash 1 of 1 is not a SHA-256 in 64 hex digits."), CrdtUpdates.Compact(null, "AA==", [hash], Most));

    [Theory]
    [InlineData("1")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"updates":"AA=="}""")]
    [InlineData("""{"updates":[1]}""")]
    [InlineData("""{"updates":["?"]}""")]
    [InlineData("""{"updates":[],"more":1}""")]
    public void A_value_of_another_shape_is_a_problem(string value)
    {
        Assert.NotNull(CrdtUpdates.Append(Worlds.ParsedValue(value), ["AA=="], Most).Problem);
        Assert.NotNull(CrdtUpdates.Compact(Worlds.ParsedValue(value), "AA==", [], Most).Problem);
    }

    [Fact]
    public void A_field_does_not_grow_beyond_its_limit_and_can_be_compacted_there()
    {
        var full = Worlds.Parsed("""{"updates":["AQID","AQI="]}""");
        Assert.Equal((null, "The field would hold 3 updates, and at most 2 are allowed: compact it first."), CrdtUpdates.Append(full, ["AA=="], 2));
        Assert.Null(CrdtUpdates.Append(full, ["AQI="], 1).Problem);
        Assert.Equal("""{"updates":["AQI=","AA=="]}""", CrdtUpdates.Compact(full, "AA==", [Hash("AQID")], 1).Value?.ToString());
        Assert.NotNull(CrdtUpdates.Compact(full, "AA==", [], 2).Problem);
    }

    private static JsonObject? Append(JsonObject? field, IEnumerable<string> updates) => CrdtUpdates.Append(field, [.. updates], Most).Value;

    private static string? Appended(string? field, params string[] updates) =>
        Append(field is null ? null : Worlds.Parsed(field), updates)?.ToString();

    private static string? Compacted(string? field, string snapshot, params string[] replaces) =>
        CrdtUpdates.Compact(field is null ? null : Worlds.Parsed(field), snapshot, replaces, Most).Value?.ToString();

    private static HashSet<string> Set(JsonObject? field) =>
        ((JsonArray)field!["updates"]!).Items.Select(item => ((JsonString)item).Text).ToHashSet();

    private static string Hash(string update) => Convert.ToHexStringLower(SHA256.HashData(Convert.FromBase64String(update)));
}
