using SyncServer.Core.Entities;

namespace SyncServer.Core.Tests.Entities;

public class UniqueKeyTests
{
    private static readonly EntityDefinition Entity =
        Definitions.Of("""{"fields":{"a":{},"/b/c":{},"d":{}},"unique":[["a"],["/b/c","d"]]}""");

    private static string[] Keys(string data) =>
        [.. Entity.UniqueKeys(Worlds.Parsed(data)).Select(key => $"{string.Join(',', key.Rule.Fields)} {key.Hash}")];

    [Fact]
    public void A_key_is_the_hash_of_the_canonical_values_of_its_rule() => Assert.Equal(
        ["/a " + Sha256("[\"x\"]"), "/b/c,/d " + Sha256("[12e1,{\"p\":[5e-1],\"q\":0}]")],
        Keys("""{"a":"x","b":{"c":120},"d":{"q":-0.0,"p":[0.50]}}"""));

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("""{"a":1}""", """{"a":1.0}""")]
    [InlineData("""{"a":100}""", """{"a":1E+2}""")]
    [InlineData("""{"a":0}""", """{"a":-0e7}""")]
    [InlineData("""{"a":{"x":1,"y":[2]}}""", """{"a":{"y":[2.0],"x":1}}""")]
    public void The_same_values_are_the_same_key_however_they_are_written(string left, string right) => Assert.Equal(Keys(left), Keys(right));

    [Theory]
    [InlineData("""{"a":1}""", """{"a":"1"}""")]
    [InlineData("""{"a":1}""", """{"a":-1}""")]
    [InlineData("""{"a":1}""", """{"a":10}""")]
    [InlineData("""{"a":"x"}""", """{"a":"X"}""")]
    [InlineData("""{"b":{"c":1},"d":2}""", """{"b":{"c":2},"d":1}""")]
    public void Other_values_are_another_key(string left, string right) => Assert.NotEqual(Keys(left), Keys(right));

    [Fact]
    public void A_rule_is_the_same_wherever_it_stands_and_in_whatever_order_it_names_its_fields()
    {
        var other = Definitions.Of("""{"fields":{"d":{},"a":{},"/b/c":{}},"unique":[["d","/b/c"],["a"]]}""");
        var data = Worlds.Parsed("""{"a":1,"b":{"c":2},"d":3}""");
        Assert.Equal(Entity.UniqueKeys(data).Select(key => (key.Rule.Name, key.Hash)), other.UniqueKeys(data).Select(key => (key.Rule.Name, key.Hash)).Reverse());
        Assert.Equal(3, Definitions.Of("""{"fields":{"a":{},"b":{}},"unique":[["a"],["b"],["a","b"]]}""").Unique.Select(rule => rule.Name).Distinct().Count());
    }

    [Theory]
    [InlineData("""{"fields":{"b":{},"a":{"merge":"lww"}},"unique":[["b"],["a"]]}""", true)]
    [InlineData("""{"fields":{"b":{},"a":{}},"unique":[["b"]]}""", false)]
    [InlineData("""{"fields":{"b":{},"a":{}},"unique":[["b","a"]]}""", false)]
    public void The_rules_of_two_files_are_told_apart_by_what_they_forbid_alone(string note, bool same)
    {
        var rules = Push.Space.Defined("""{"fields":{"a":{},"b":{}},"unique":[["a"],["b"]]}""").UniqueRules;
        Assert.Equal(same, rules == Push.Space.Defined(note).UniqueRules);
        Assert.Null(Push.Space.Defined("{}").UniqueRules);
    }

    [Theory]
    [InlineData("{}", 0)]
    [InlineData("""{"a":1}""", 1)]
    [InlineData("""{"b":{"c":1}}""", 0)]
    [InlineData("""{"b":1,"d":2}""", 0)]
    [InlineData("""{"a":1,"b":{"c":1},"d":2}""", 2)]
    public void A_rule_of_which_a_field_is_absent_gives_no_key(string data, int keys) => Assert.Equal(keys, Keys(data).Length);
}
