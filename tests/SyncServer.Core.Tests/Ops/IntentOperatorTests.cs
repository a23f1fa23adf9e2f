using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Tests.Ops;

public class IntentOperatorTests
{
    private const int Most = 3;

    // SHA-256 of the bytes 01 02 03, which are AQID in base64.
    private const string Hash = "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81";

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"a":1}""")]
    [InlineData("""{"$inc":1,"a":1}""")]
    [InlineData("""{"$inc":1,"$max":1}""")]
    [InlineData("""{"a$inc":1}""")]
    public void An_object_with_another_member_is_no_operator(string value) =>
        Assert.Equal((null, null), IntentOperator.Find(Worlds.Parsed(value), "/patch/a"));

    [Theory]
    [InlineData("""{"$inc":"1"}""", "$inc takes a number.")]
    [InlineData("""{"$inc":null}""", "$inc takes a number.")]
    [InlineData("""{"$append":1}""", "$append takes a list.")]
    [InlineData("""{"$add":{"a":1}}""", "$add takes a list.")]
    [InlineData("""{"$remove":"a"}""", "$remove takes a list.")]
    [InlineData("""{"$max":true}""", "$max takes a number or a string.")]
    [InlineData("""{"$min":[1]}""", "$min takes a number or a string.")]
    [InlineData("""{"$":1}""", "The intent operator is not known to this server.")]
    [InlineData("""{"$Inc":1}""", "The intent operator is not known to this server.")]
    [InlineData("""{"$compact":{"snapshot":"AA=="}}""",
        "$compact takes an object of snapshot, a base64 string, and replaces, a list of SHA-256 in hex.")]
    [InlineData("""{"$compact":{"snapshot":"AA==","replaces":[1]}}""",
        "$compact takes an object of snapshot, a base64 string, and replaces, a list of SHA-256 in hex.")]
    [InlineData("""{"$compact":{"snapshot":"AA","replaces":[]}}""",
        "Update 1 of 1 is not base64 of the standard alphabet with its padding (RFC 4648, 4).")]
    [InlineData("""{"$compact":{"snapshot":"AA==","replaces":["00"]}}""", "Hash 1 of 1 is not a SHA-256 in 64 hex digits.")]
    public void An_unknown_operator_or_a_wrong_operand_is_refused_at_its_place(string value, string detail)
    {
        var (found, rejection) = IntentOperator.Find(Worlds.Parsed(value), "/patch/a");
        Assert.Null(found);
        Assert.Equal((ErrorCode.InvalidOperator, detail), (rejection!.Code, rejection.Detail));
        Assert.Equal([new FieldError("/patch/a", detail)], rejection.Errors);
    }

    [Theory]
    [InlineData("""{"$inc":1.50}""", "1.50")]
    [InlineData("""{"$append":[1,1]}""", "[1,1]")]
    [InlineData("""{"$add":[1,1.0,2]}""", "[1,2]")]
    [InlineData("""{"$remove":[1]}""", null)]
    [InlineData("""{"$max":"a"}""", "\"a\"")]
    [InlineData("""{"$min":5}""", "5")]
    [InlineData("{\"$compact\":{\"snapshot\":\"AA==\",\"replaces\":[\"" + Hash + "\"]}}", """{"updates":["AA=="]}""")]
    public void On_an_absent_value_an_operator_begins(string value, string? result) =>
        Assert.Equal((result, null), Applied(value, null));

    [Theory]
    [InlineData("""{"$inc":0.2}""", "0.1", "0.3")]
    [InlineData("""{"$inc":-1}""", "1", "0")]
    [InlineData("""{"$append":[1,2]}""", "[1]", "[1,1,2]")]
    [InlineData("""{"$add":[1,2]}""", "[1]", "[1,2]")]
    [InlineData("""{"$remove":[1.0,9]}""", "[2,1]", "[2]")]
    [InlineData("""{"$max":10}""", "9", "10")]
    [InlineData("""{"$max":8}""", "9", "9")]
    [InlineData("""{"$min":8}""", "9", "8")]
    [InlineData("""{"$min":"b"}""", "\"a\"", "\"a\"")]
    [InlineData("{\"$compact\":{\"snapshot\":\"AA==\",\"replaces\":[\"" + Hash + "\"]}}", """{"updates":["AQID","AQI="]}""", """{"updates":["AQI=","AA=="]}""")]
    public void An_operator_applies_to_the_value_that_is_there(string value, string current, string result) =>
        Assert.Equal((result, null), Applied(value, current));

    [Theory]
    [InlineData("""{"$inc":1}""", "\"1\"")]
    [InlineData("""{"$inc":1}""", "null")]
    [InlineData("""{"$inc":1}""", "1e300")]
    [InlineData("""{"$append":[1]}""", """{"updates":[]}""")]
    [InlineData("""{"$add":[1]}""", "\"1\"")]
    [InlineData("""{"$remove":[1]}""", "1")]
    [InlineData("""{"$max":1}""", "\"1\"")]
    [InlineData("""{"$min":"1"}""", "[1]")]
    [InlineData("""{"$compact":{"snapshot":"AA==","replaces":[]}}""", "[]")]
    public void A_value_of_another_type_is_a_problem(string value, string current)
    {
        var (result, problem) = Applied(value, current);
        Assert.Null(result);
        Assert.NotNull(problem);
    }

    [Fact]
    public void A_CRDT_field_takes_appended_updates_up_to_its_limit()
    {
        Assert.Equal(("""{"updates":["AA=="]}""", null), Applied("""{"$append":["AA==","AA=="]}""", null, isCrdt: true));
        Assert.Equal(("""{"updates":["AA==","AQID"]}""", null), Applied("""{"$append":["AQID"]}""", """{"updates":["AA=="]}""", isCrdt: true));
        Assert.Equal((null, "The field would hold 4 updates, and at most 3 are allowed: compact it first."),
            Applied("""{"$append":["","AA==","AQI=","AQID"]}""", null, isCrdt: true));
        Assert.Equal((null, "The updates of a CRDT field are base64 strings."), Applied("""{"$append":[1]}""", null, isCrdt: true));
    }

    [Theory]
    [InlineData("""{"$inc":1}""")]
    [InlineData("""{"$add":["AA=="]}""")]
    [InlineData("""{"$remove":["AA=="]}""")]
    [InlineData("""{"$max":1}""")]
    [InlineData("""{"$min":1}""")]
    public void A_CRDT_field_takes_no_other_operator(string value) =>
        Assert.Equal((null, "The field is a CRDT field: it takes $append and $compact."), Applied(value, null, isCrdt: true));

    [Theory]
    [InlineData("""{"$inc":1}""", """{"$inc":-0.5}""", "0.1")]
    [InlineData("""{"$max":3}""", """{"$max":5}""", "4")]
    [InlineData("""{"$min":3}""", """{"$min":5}""", "4")]
    [InlineData("""{"$remove":[1]}""", """{"$remove":[2]}""", "[1,2,3]")]
    [InlineData("""{"$add":[1]}""", """{"$remove":[2]}""", "[1,2,3]")]
    public void Operators_commute(string one, string other, string current) =>
        Assert.Equal(Applied(one, Applied(other, current).Value), Applied(other, Applied(one, current).Value));

    [Fact]
    public void Any_operator_on_any_value_gives_a_value_or_a_problem() =>
        Property.Holds(Worlds.Values.Zip(Gen.Elements("$inc", "$append", "$add", "$remove", "$max", "$min", "$compact", "$x")).Zip(Worlds.Values),
            world =>
            {
                var ((operand, name), current) = world;
                var (found, rejection) = IntentOperator.Find(JsonObject.Of((name, operand)), "/a");
                Assert.Equal(found is null, rejection is not null);
                foreach (var isCrdt in found is null ? Array.Empty<bool>() : [false, true])
                {
                    var (value, problem) = found!.Apply(current, isCrdt, Most);
                    Assert.Equal(value is null, problem is not null);
                }
            }, worlds: 3_000);

    private static (string? Value, string? Problem) Applied(string value, string? current, bool isCrdt = false)
    {
        var (result, problem) = IntentOperator.Find(Worlds.Parsed(value), "/a").Operator!
            .Apply(current is null ? null : Worlds.ParsedValue(current), isCrdt, Most);
        return (result?.ToString(), problem);
    }
}
