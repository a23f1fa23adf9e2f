using SyncServer.Core.Ops;

namespace SyncServer.Core.Tests.Ops;

public class OpParserTests
{
    private const string Update = """{"opId":"o","entity":"note","entityId":"r","kind":"update","baseRev":1,"patch":{"a":1}}""";

    private static Rejection? Refusal(string op, string? headerKey = null) =>
        OpParser.Parse(Worlds.ParsedValue(op), headerKey, null).Rejection;

    private static string With(string member, string value) =>
        Worlds.Parsed(Update).Members.Where(m => m.Key != member).Select(m => $"\"{m.Key}\":{m.Value}").Append($"\"{member}\":{value}") is var members
            ? "{" + string.Join(',', members) + "}"
            : "";

    [Fact]
    public void An_op_is_read_whole()
    {
        var (op, opId, rejection) = OpParser.Parse(Worlds.ParsedValue(
            """{"opId":"o 1~","entity":"n-_9","entityId":"a.b:c~d_e-F","kind":"update","baseRev":41,"n":7,"patch":{"a":null},"dependsOn":["p","q","p"],"createdAt":1763633700123,"schema":3}"""),
            null, Precondition.Exactly(41));
        Assert.Null(rejection);
        Assert.Equal("o 1~", opId);
        Assert.Equal(("o 1~", new RecordKey("n-_9", "a.b:c~d_e-F"), OpKind.Update, 41L, 7L), (op!.OpId, op.Key, op.Kind, op.BaseRev, op.N));
        Assert.Equal("""{"a":null}""", op.Patch.ToString());
        Assert.Equal(["p", "q"], op.DependsOn);
        Assert.Equal(Precondition.Exactly(41).ToString(), op.Precondition?.ToString());
        Assert.True(op.IsStrict);
    }

    [Theory]
    [InlineData("opId", "\"\"")]
    [InlineData("opId", "5")]
    [InlineData("opId", "\"é\"")]
    [InlineData("opId", "\"a\\tb\"")]
    [InlineData("entity", "\"$conflict\"")]
    [InlineData("entity", "\"9a\"")]
    [InlineData("entity", "\"\"")]
    [InlineData("entity", "\"a.b\"")]
    [InlineData("entity", "null")]
    [InlineData("entityId", "\"..\"")]
    [InlineData("entityId", "\".\"")]
    [InlineData("entityId", "\"a/b\"")]
    [InlineData("entityId", "\"\"")]
    [InlineData("entityId", "7")]
    [InlineData("kind", "\"Update\"")]
    [InlineData("kind", "\"upsert\"")]
    [InlineData("kind", "1")]
    [InlineData("kind", "null")]
    [InlineData("baseRev", "-1")]
    [InlineData("baseRev", "1.5")]
    [InlineData("baseRev", "1e-30")]
    [InlineData("baseRev", "\"1\"")]
    [InlineData("baseRev", "9007199254740992")]
    [InlineData("n", "-1")]
    [InlineData("n", "[]")]
    [InlineData("schema", "\"1\"")]
    [InlineData("patch", "[]")]
    [InlineData("patch", "\"x\"")]
    [InlineData("patch", "null")]
    [InlineData("dependsOn", "\"p\"")]
    [InlineData("dependsOn", "[1]")]
    [InlineData("dependsOn", "[\"\"]")]
    [InlineData("createdAt", "true")]
    public void A_malformed_member_is_refused_at_its_place(string member, string value)
    {
        var rejection = Refusal(With(member, value));
        Assert.Equal(ErrorCode.InvalidRequest, rejection?.Code);
        Assert.Equal(["/" + member], rejection!.Errors.Select(error => error.Pointer));
    }

    [Fact]
    public void Everything_that_is_wrong_is_named_at_once() => Assert.Equal(
        ["/opId", "/entity", "/entityId", "/kind"],
        Refusal("{}")!.Errors.Select(error => error.Pointer));

    [Theory]
    [InlineData("1")]
    [InlineData("[]")]
    [InlineData("null")]
    public void What_is_no_object_is_no_op(string body) =>
        Assert.Equal([""], Refusal(body)!.Errors.Select(error => error.Pointer));

    [Fact]
    public void The_key_may_stand_in_the_header_in_the_body_or_equal_in_both()
    {
        const string Keyless = """{"entity":"note","entityId":"r","kind":"update","baseRev":1,"patch":{}}""";
        Assert.Equal("h", OpParser.Parse(Worlds.ParsedValue(Keyless), "h", null).Op?.OpId);
        Assert.Equal("o", OpParser.Parse(Worlds.ParsedValue(Update), null, null).Op?.OpId);
        Assert.Equal("o", OpParser.Parse(Worlds.ParsedValue(Update), "o", null).Op?.OpId);
        Assert.Equal(["/opId"], Refusal(Update, "h")!.Errors.Select(error => error.Pointer));
        Assert.Equal(["/opId"], Refusal(Keyless)!.Errors.Select(error => error.Pointer));
    }

    [Theory]
    [InlineData("delete")]
    [InlineData("restore")]
    public void A_delete_and_a_restore_carry_no_patch(string kind)
    {
        Assert.Equal(["/patch"], Refusal(With("kind", $"\"{kind}\""))!.Errors.Select(error => error.Pointer));
        Assert.Null(Refusal($$"""{"opId":"o","entity":"note","entityId":"r","kind":"{{kind}}","baseRev":1}"""));
    }

    [Fact]
    public void A_create_has_no_base_revision_but_0()
    {
        Assert.Equal(["/baseRev"], Refusal(With("kind", "\"create\""))!.Errors.Select(error => error.Pointer));
        Assert.Null(Refusal("""{"opId":"o","entity":"note","entityId":"r","kind":"create","baseRev":0,"patch":{}}"""));
    }

    [Theory]
    [InlineData("""{"a":{"$frobnicate":1}}""", "/patch/a")]
    [InlineData("""{"a":{"b/c":{"$x":1}}}""", "/patch/a/b~1c")]
    public void An_unknown_operator_is_refused_at_its_place(string patch, string pointer)
    {
        var rejection = Refusal(With("patch", patch));
        Assert.Equal(ErrorCode.InvalidOperator, rejection?.Code);
        Assert.Equal([pointer], rejection!.Errors.Select(error => error.Pointer));
    }

    [Theory]
    [InlineData("""{"a":{"$x":1,"b":1}}""")]
    [InlineData("""{"a":[{"$x":1}]}""")]
    [InlineData("""{"$x":1,"b":1}""")]
    [InlineData("""{"a":{"b$":1}}""")]
    public void A_dollar_elsewhere_is_only_a_name(string patch) => Assert.Null(Refusal(With("patch", patch)));

    [Fact]
    public void Lengths_are_bounded()
    {
        Assert.Null(Refusal(With("entityId", $"\"{new string('a', 128)}\"")));
        Assert.NotNull(Refusal(With("entityId", $"\"{new string('a', 129)}\"")));
        Assert.Null(Refusal(With("entity", $"\"{new string('a', 64)}\"")));
        Assert.NotNull(Refusal(With("entity", $"\"{new string('a', 65)}\"")));
        Assert.Null(Refusal(With("opId", $"\"{new string('a', 255)}\"")));
        Assert.NotNull(Refusal(With("opId", $"\"{new string('a', 256)}\"")));
        Assert.Null(Refusal(With("dependsOn", $"[{string.Join(',', Enumerable.Repeat("\"p\"", 100))}]")));
        Assert.NotNull(Refusal(With("dependsOn", $"[{string.Join(',', Enumerable.Repeat("\"p\"", 101))}]")));
    }

    [Theory]
    [InlineData(1L, false, "1", true)]
    [InlineData(1L, false, "*", true)]
    [InlineData(1L, false, "none", false)]
    [InlineData(2L, true, "*", false)]
    [InlineData(2L, true, "1,2", true)]
    [InlineData(2L, true, "none", false)]
    [InlineData(3L, false, "1,2", false)]
    [InlineData(null, false, "none", true)]
    [InlineData(null, false, "*", false)]
    [InlineData(null, false, "1", false)]
    public void A_precondition_is_compared_with_the_record_or_its_tombstone(long? rev, bool deleted, string condition, bool holds)
    {
        var precondition = condition switch
        {
            "none" => Precondition.NotExists,
            "*" => new Precondition(true, null),
            _ => new Precondition(true, [.. condition.Split(',').Select(long.Parse)]),
        };
        Assert.Equal(holds, precondition.Holds(rev, deleted));
    }
}
