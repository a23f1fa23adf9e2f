using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Json;

public class JsonParserTests
{
    private static (JsonValue? Value, Rejection? Rejection) Parse(string json) => JsonParser.Parse(Encoding.UTF8.GetBytes(json));

    private static string Nested(int levels, string open, string close) =>
        string.Concat(Enumerable.Repeat(open, levels)) + string.Concat(Enumerable.Repeat(close, levels));

    [Fact]
    public void What_is_written_reads_as_the_same_value_and_writes_the_same_bytes() =>
        Property.Holds(Worlds.Values, value =>
        {
            var (again, rejection) = JsonParser.Parse(value.ToUtf8().Span);
            Assert.Null(rejection);
            Assert.Equal(value, again);
            Assert.Equal(value.ToUtf8().ToArray(), again!.ToUtf8().ToArray());
        });

    [Theory]
    [InlineData("""{"a":1,"a":1}""", "/a")]
    [InlineData("""{"a":1,"\u0061":2}""", "/a")]
    [InlineData("""{"x":{"é":1,"\u00e9":2}}""", "/x/é")]
    [InlineData("""{"x":[0,{"😀":1,"\ud83d\ude00":2}]}""", "/x/1/😀")]
    [InlineData("""{"":1,"":2}""", "/")]
    [InlineData("""{"a/b":{"c~":1,"c~":1}}""", "/a~1b/c~0")]
    [InlineData("""{"a":"\u0000"}""", "/a")]
    [InlineData("""{"a":["x","y\u0000z"]}""", "/a/1")]
    [InlineData("""{"a":{"\u0000":1}}""", "/a")]
    [InlineData("\"\\u0000\"", "")]
    [InlineData("""{"a":"\ud800"}""", "/a")]
    [InlineData("""{"a":"\udc00"}""", "/a")]
    [InlineData("""{"a":"\ud800x"}""", "/a")]
    [InlineData("""{"a":"x\udc00"}""", "/a")]
    [InlineData("""{"a":"\ud800\ud800\udc00"}""", "/a")]
    [InlineData("""{"a":"\udc00\ud800"}""", "/a")]
    [InlineData("""{"a":"\ud83d\ude00\ude00"}""", "/a")]
    [InlineData("""{"a":"\ud800\n\udc00"}""", "/a")]
    [InlineData("""{"a":"\ud800\\udc00"}""", "/a")]
    [InlineData("""{"a":"\ud800😀"}""", "/a")]
    [InlineData("""{"a":{"b\uDFFF":1}}""", "/a")]
    [InlineData("""{"a":[[],{"b":1e309}]}""", "/a/1/b")]
    [InlineData("[-1e309]", "/0")]
    [InlineData("123456789012345678901234567890123", "")]
    [InlineData("""{"n":0.1234567890123456789012345678901}""", "/n")]
    [InlineData("""{"n":1e0000000000000000000000000000000}""", "/n")]
    public void What_readers_disagree_about_is_refused_at_its_place(string json, string pointer)
    {
        var (value, rejection) = Parse(json);
        Assert.Null(value);
        Assert.Equal(ErrorCode.InvalidRequest, rejection!.Code);
        Assert.Equal([pointer], rejection.Errors.Select(error => error.Pointer));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t")]
    [InlineData("\uFEFF{}")]
    [InlineData("{} {}")]
    [InlineData("1 2")]
    [InlineData("{}x")]
    [InlineData("{}\0")]
    [InlineData("{\"a\":1,}")]
    [InlineData("[1,]")]
    [InlineData("{a:1}")]
    [InlineData("{'a':1}")]
    [InlineData("{\"a\" 1}")]
    [InlineData("{\"a\":}")]
    [InlineData("{\"a\":1")]
    [InlineData("\"a")]
    [InlineData("\"a\n\"")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\u12\"")]
    [InlineData("\"\\u00g0\"")]
    [InlineData("// x\n{}")]
    [InlineData("/* x */{}")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("+1")]
    [InlineData("01")]
    [InlineData("-")]
    [InlineData("1.")]
    [InlineData(".1")]
    [InlineData("1e")]
    [InlineData("0x1")]
    [InlineData("TRUE")]
    [InlineData("nul")]
    public void What_is_not_one_JSON_text_is_refused(string json) =>
        Assert.Equal(ErrorCode.InvalidRequest, Parse(json).Rejection?.Code);

    [Theory]
    [InlineData(new byte[] { 0x22, 0xFF, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xC0, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xED, 0xA0, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xF4, 0x90, 0x80, 0x80, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xE2, 0x82 })]
    [InlineData(new byte[] { 0x7B, 0x7D, 0x80 })]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00 })]
    public void Invalid_UTF_8_is_refused(byte[] utf8) =>
        Assert.Equal(ErrorCode.InvalidRequest, JsonParser.Parse(utf8).Rejection?.Code);

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public void Sixty_four_levels_are_read_and_sixty_five_are_refused(string open, string close)
    {
        var inner = open[0] == '{' ? "{}" : "[]";
        string Levels(int levels) => Nested(levels - 1, open, "") + inner + Nested(levels - 1, "", close);
        Assert.Equal(Levels(64), Parse(Levels(64)).Value?.ToString());
        Assert.Equal(ErrorCode.InvalidRequest, Parse(Levels(65)).Rejection?.Code);
        Assert.Equal(ErrorCode.InvalidRequest, Parse(Nested(100_000, "[", "]")).Rejection?.Code);
    }

    [Theory]
    [InlineData("12345678901234567890123456789012")]
    [InlineData("0.123456789012345678901234567890")]
    [InlineData("-1e00000000000000000000000000000")]
    [InlineData("1.7976931348623157e308")]
    [InlineData("5e-324")]
    [InlineData("1e-400")]
    [InlineData("0e99999999999")]
    [InlineData("-0")]
    [InlineData("1E+2")]
    public void Numbers_within_the_bounds_stay_as_they_were_written(string token) =>
        Assert.Equal(token, Parse(token).Value?.ToString());

    [Theory]
    [InlineData("""{"a":"\u0001\u001f\u007f\u2028\ufeff"}""", "a", "\u0001\u001f\u007f\u2028\ufeff")]
    [InlineData("""{"\ud83d\ude00":"\uD83D\uDE00"}""", "😀", "😀")]
    [InlineData("""{"a":"\\u0000 \\ud800"}""", "a", "\\u0000 \\ud800")]
    [InlineData("""{"a":"\"\\\/\b\f\n\r\t"}""", "a", "\"\\/\b\f\n\r\t")]
    public void Escapes_of_text_are_text(string json, string name, string text) =>
        Assert.Equal(JsonObject.Of((name, new JsonString(text))), Parse(json).Value);

    [Fact]
    public void No_bytes_make_the_parser_throw()
    {
        // Pieces of JSON beside any bytes at all, so that some worlds come deep into the parser.
        var pieces = Gen.Elements("{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\\", "\\u", "\\ud800", "\\udc00", "0000", "1", "-", ".", "e", "309",
            "true", "null", " ", "é", "\uFEFF").Select(Encoding.UTF8.GetBytes);
        var raw = Gen.Choose(0, 255).Select(b => new[] { (byte)b });
        Property.Holds(Gen.ArrayOf(Gen.Frequency((8, pieces), (1, raw))).Resize(20), parts =>
        {
            var (value, rejection) = JsonParser.Parse(parts.SelectMany(part => part).ToArray());
            Assert.NotEqual(value is null, rejection is null);
        }, worlds: 20_000);
    }

    [Fact]
    public void Stored_data_is_read_back_at_any_depth_that_a_conflict_can_give_it()
    {
        var value = Parse(Nested(64, "{\"a\":", "") + "1" + Nested(64, "", "}")).Value!;
        var wrapped = JsonObject.Of(("conflicts", new JsonArray([JsonObject.Of(("path", new JsonString("")), ("theirs", value))])));
        Assert.Equal(wrapped, JsonParser.ParseStored(wrapped.ToUtf8().Span));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(30)]
    public void Every_member_of_an_object_is_found_and_none_stands_twice(int count)
    {
        var members = string.Join(',', Enumerable.Range(0, count).Select(at => $"\"m{at}\":{at}"));

        var value = Assert.IsType<JsonObject>(JsonParser.Parse(Encoding.UTF8.GetBytes($"{{{members}}}")).Value);

        Assert.Equal(Enumerable.Range(0, count).Select(at => $"m{at}"), value.Members.Select(member => member.Key));
        Assert.All(Enumerable.Range(0, count), at => Assert.Equal(new JsonNumber($"{at}"), value[$"m{at}"]));
        Assert.Null(value[$"m{count}"]);
        for (var at = 0; at < count; at++)
        {
            var (twice, rejection) = JsonParser.Parse(Encoding.UTF8.GetBytes($"{{{members},\"m{at}\":0}}"));
            Assert.Null(twice);
            Assert.Equal($"/m{at}", Assert.Single(rejection!.Errors).Pointer);
        }
    }
}
