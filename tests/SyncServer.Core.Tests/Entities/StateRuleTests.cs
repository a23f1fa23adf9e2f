using FsCheck.Fluent;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Entities;

public class StateRuleTests
{
    private static readonly EntityDefinition Machine = Definitions.Of("""{"fields":{"s":{"transitions":{"open":["doing"],"doing":["open","done"]}}}}""");

    [Theory]
    [InlineData("string", "\"\"", "1")]
    [InlineData("number", "1.5", "\"1\"")]
    [InlineData("integer", "1.0", "1.5")]
    [InlineData("integer", "1e30", "1e-1")]
    [InlineData("boolean", "false", "0")]
    [InlineData("array", "[null]", "{}")]
    [InlineData("object", "{}", "[]")]
    public void A_value_is_of_its_type(string type, string right, string wrong)
    {
        var entity = Definitions.Of("""{"fields":{"f":{"type":"?"}}}""".Replace("?", type, StringComparison.Ordinal));
        Assert.Empty(entity.Broken(null, "{}"));
        Assert.Empty(entity.Broken(null, $$"""{"f":{{right}}}"""));
        Assert.Equal([$"/f: The field is of type {type}."], entity.Broken(null, $$"""{"f":{{wrong}}}"""));
        Assert.Equal([$"/f: The field is of type {type}."], entity.Broken($$"""{"f":{{right}}}""", $$"""{"f":{{wrong}}}"""));
    }

    [Theory]
    [InlineData("""{"updates":["AA=="]}""", true)]
    [InlineData("""{"updates":[]}""", true)]
    [InlineData("""{"updates":[1]}""", false)]
    [InlineData("""{"updates":["AA==","not base64"]}""", false)]
    [InlineData("""{"updates":"AA=="}""", false)]
    [InlineData("""{"updates":[],"more":1}""", false)]
    [InlineData("{}", false)]
    [InlineData("[]", false)]
    public void A_CRDT_field_holds_updates(string value, bool right) =>
        Assert.Equal(right, Definitions.Of("""{"fields":{"f":{"merge":"crdt"}}}""").Broken(null, $$"""{"f":{{value}}}""").Length == 0);

    [Fact]
    public void A_required_field_is_there_at_creation_and_does_not_go_away()
    {
        var entity = Definitions.Of("""{"fields":{"a":{"required":true},"/b/c":{"required":true}}}""");
        Assert.Empty(entity.Broken(null, """{"a":0,"b":{"c":[]}}"""));
        Assert.Equal(["/a: The field is required.", "/b/c: The field is required."], entity.Broken(null, "{}"));
        Assert.Equal(["/b/c: The field is required."], entity.Broken("""{"a":0,"b":{"c":[]}}""", """{"a":0,"b":{}}"""));
    }

    [Fact]
    public void An_immutable_value_may_come_later_and_then_neither_changes_nor_goes_away()
    {
        var entity = Definitions.Of("""{"fields":{"a":{"immutable":true}}}""");
        string[] broken = ["/a: The field is immutable: once set, it neither changes nor goes away."];
        Assert.Empty(entity.Broken(null, """{"a":1}"""));
        Assert.Empty(entity.Broken("{}", """{"a":1}"""));
        Assert.Empty(entity.Broken("""{"a":{"x":1,"y":2}}""", """{"a":{"y":2.0,"x":1}}"""));
        Assert.Equal(broken, entity.Broken("""{"a":1}""", """{"a":2}"""));
        Assert.Equal(broken, entity.Broken("""{"a":1}""", "{}"));
    }

    [Theory]
    [InlineData(null, """{"s":"open"}""", null)]
    [InlineData(null, """{"s":"done"}""", null)]
    [InlineData(null, "{}", null)]
    [InlineData(null, """{"s":"opened"}""", "/s: The field holds a declared state: 'open', 'doing', 'done'.")]
    [InlineData(null, """{"s":7}""", "/s: The field holds a declared state: 'open', 'doing', 'done'.")]
    [InlineData("""{"s":"open"}""", """{"s":"open"}""", null)]
    [InlineData("""{"s":"open"}""", """{"s":"doing"}""", null)]
    [InlineData("""{"s":"open"}""", """{"s":"done"}""", "/s: From 'open' the field goes to 'doing' only; 'done' is not a declared step.")]
    [InlineData("""{"s":"done"}""", """{"s":"open"}""", "/s: From 'done' the field goes to no other state only; 'open' is not a declared step.")]
    [InlineData("""{"s":"open"}""", "{}", "/s: The field holds a declared state: 'open', 'doing', 'done'.")]
    [InlineData("{}", """{"s":"done"}""", null)]
    [InlineData("""{"s":"old"}""", """{"s":"old","x":1}""", null)]
    [InlineData("""{"s":"old"}""", """{"s":"done"}""", null)]
    [InlineData("""{"s":"old"}""", """{"s":"older"}""", "/s: The field holds a declared state: 'open', 'doing', 'done'.")]
    public void A_state_goes_only_where_a_step_is_declared(string? before, string after, string? broken) =>
        Assert.Equal(broken is null ? [] : [broken], Machine.Broken(before, after));

    [Fact]
    public void Undeclared_fields_are_refused_only_where_the_definition_says_so_and_only_at_declared_levels()
    {
        const string Fields = """ "fields":{"a":{"type":"object"},"/b/c/d":{}} """;
        const string Data = """{"a":{"free":1},"b":{"c":{"d":1,"e":2},"f":3},"g":4}""";
        var closed = Definitions.Of($$"""{{{Fields}},"additionalFields":false}""");
        Assert.Empty(Definitions.Of($$"""{{{Fields}}}""").Broken(null, Data));
        Assert.Equal(["/g", "/b/c/e", "/b/f"], closed.Violations(null, Worlds.Parsed(Data)).Select(error => error.Pointer));
        Assert.Equal(["/b: The field is an object: others are declared below it."], closed.Broken(null, """{"b":[]}"""));
    }

    [Fact]
    public void What_stood_there_before_and_is_not_touched_is_no_reason_to_refuse_a_step()
    {
        var entity = Definitions.Of("""
            {"additionalFields":false,"fields":{"a":{"type":"string"},"b":{"required":true},"c":{"transitions":{"x":[]}},"/d/e":{},"t":{}}}
            """);
        const string Old = """{"a":1,"c":"old","d":[],"gone":true}""";
        Assert.Equal(5, entity.Broken(null, Old).Length);
        Assert.Empty(entity.Broken(Old, """{"a":1.0,"c":"old","d":[],"gone":true,"t":1}"""));
        Assert.Empty(entity.Broken(Old, """{"c":"x"}"""));
        Assert.Equal(["/a: The field is of type string."], entity.Broken(Old, """{"a":2,"c":"old","d":[],"gone":true}"""));
    }

    [Fact]
    public void A_refusal_names_a_bounded_number_of_places() => Assert.Equal(
        DefinitionLimits.Violations,
        Definitions.Of("""{"additionalFields":false}""").Violations(null, JsonObject.Of(Enumerable.Range(0, 1000).Select(i => ($"f{i}", (JsonValue?)JsonLiteral.True)))).Count);

    [Fact]
    public void Defaults_fill_what_a_new_record_lacks_and_nothing_else()
    {
        var entity = Definitions.Of("""
            {"fields":{"/a/b":{"default":1},"a":{"default":{"b":2,"c":{}}},"/a/c/d":{"default":3},"e":{"default":[]},"/f/g":{"default":4},"/x/y":{"default":5}}}
            """);
        Assert.Equal("""{"a":{"b":2,"c":{"d":3}},"e":[],"f":{"g":4},"x":{"y":5}}""", Sorted(entity.WithDefaults(JsonObject.Empty)));
        Assert.Equal("""{"a":{"b":1,"c":{"d":3}},"e":"","f":7,"x":{"y":5,"z":6}}""",
            Sorted(entity.WithDefaults(Worlds.Parsed("""{"a":{},"e":"","f":7,"x":{"z":6}}"""))));
    }

    private static string Sorted(JsonObject data) => JsonObject.Of(data.Members.OrderBy(member => member.Key, StringComparer.Ordinal).Select(member =>
        (member.Key, (JsonValue?)(member.Value is JsonObject inner ? Worlds.Parsed(Sorted(inner)) : member.Value)))).ToString();

    [Fact]
    public void Any_step_between_any_data_is_judged_and_defaults_are_filled_once()
    {
        var entity = Definitions.Of("""
            {"additionalFields":false,"fields":{"a":{"required":true,"default":{"b":1}},"/a/b":{"type":"integer"},"/b/a":{"immutable":true,"default":2},"c/~":{"transitions":{"1":["x"]}}}}
            """);
        Property.Holds(Worlds.Data.Two(), pair =>
        {
            var (before, after) = pair;
            Assert.Empty(entity.Violations(after, after));
            Assert.Subset(
                entity.Violations(null, after).Select(error => error.Pointer).Append("/b/a").Append("/c~1~0").ToHashSet(),
                entity.Violations(before, after).Select(error => error.Pointer).ToHashSet());
            var filled = entity.WithDefaults(after);
            Assert.Equal(filled, entity.WithDefaults(filled));
            Assert.All(Worlds.Leaves(after).Where(leaf => leaf.Value is not JsonObject), leaf => Assert.Equal(leaf.Value, JsonPointer.Find(filled, leaf.Path)));
        });
    }
}
