using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Docs;

/// <summary>The tables and examples of <c>docs/MERGING.md</c> say what the code decides.</summary>
public class MergingTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "MERGING.md"));

    /// <summary>Policy, base, theirs, yours, the answer and the field afterwards.</summary>
    public static IEnumerable<object[]> Examples => Rows("| policy | base |",
        row => [Code(row[0]), Code(row[1]), Code(row[2]), Code(row[3]), Answered(row[4]), Code(row[5])]);

    /// <summary>Operator, value before and value after.</summary>
    public static IEnumerable<object[]> Operators => Rows("| operator | before |", row => [Code(row[0]), Code(row[1]), Code(row[2])]);

    /// <summary>The choice, and what becomes of a late edit and of a late delete.</summary>
    public static IEnumerable<object[]> Deletes =>
        Rows("| | a late edit meets a delete |", row => [Code(row[0]), Met(row[1]), Met(row[2])]);

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_of_a_policy_comes_out_as_it_says(string policy, string @base, string theirs, string yours, string answer, string field)
    {
        var (met, space) = Meet($$$"""{"fields":{"f":{"merge":"{{{policy}}}"} } }""", Field("f", @base), Field("f", theirs), Field("f", yours));
        Assert.Equal((answer, Worlds.Parsed(Field("f", field))), (met.Summary, space.Find()!.Data!.Value));
    }

    [Fact]
    public void Every_policy_has_an_example() =>
        Assert.Superset(FieldPolicy.All.Select(policy => policy.Name).ToHashSet(), Examples.Select(row => (string)row[0]).ToHashSet());

    [Theory]
    [MemberData(nameof(Operators))]
    public void An_example_of_an_operator_comes_out_as_it_says(string found, string before, string after)
    {
        var (met, space) = Meet("{}", Field("f", before), """{"other":1}""", Field("f", found));
        Assert.Equal((200, Worlds.ParsedValue(after)), (met.Outcome.Status, space.Find()!.Data!.Value["f"]));
    }

    [Theory]
    [MemberData(nameof(Deletes))]
    public void An_edit_and_a_delete_meet_as_it_says(string choice, string edit, string delete)
    {
        var definition = $$"""{"onEditDelete":"{{choice}}"}""";
        Assert.Equal(edit, Sides(Meet(definition, """{"title":"a"}""", null, """{"title":"b"}""")));
        Assert.Equal(delete, Sides(Meet(definition, """{"title":"a"}""", """{"title":"b"}""", null)));

        static string Sides((Answer Met, Space Space) result) => $"{result.Met.Summary} {(result.Space.Find()!.Deleted ? "deleted" : "live")}";
    }

    [Fact]
    public void The_explanations_are_those_of_a_counter_and_of_a_delete_that_won()
    {
        var (counter, deleted) = (Fence("\"rule\": \"counter\""), Fence("\"rule\": \"onEditDelete\""));
        var told = Only(counter["merge"]);
        var (met, _) = Meet("""{"fields":{"counter":{"merge":"counter"}}}""",
            Field("counter", told["base"]!), Field("counter", told["theirs"]!), Field("counter", told["yours"]!));
        Assert.Equal(counter["merge"], met["/merge"]);
        var (late, _) = Meet("""{"onEditDelete":"delete-wins"}""", """{"title":"a"}""", """{"title":"b"}""", null);
        Assert.Equal(deleted["merge"], late["/merge"]);
    }

    [Fact]
    public void The_problem_of_a_conflict_is_that_of_a_reviewed_field()
    {
        var printed = Fence("\"type\": \"/problems/conflict\"");
        var told = Only(printed["conflicts"]);
        var (met, _) = Meet("{}", Field("review", told["base"]!), Field("review", told["theirs"]!), Field("review", told["yours"]!));
        foreach (var member in new[] { "/type", "/status", "/etag", "/conflicts", "/current/rev", "/current/data" })
        {
            Assert.Equal(JsonPointer.Find(printed, member), met[member]);
        }
    }

    /// <summary>What the phone is answered that did not see what the tablet did; null deletes.</summary>
    private static (Answer Met, Space Space) Meet(string definition, string @base, string? theirs, string? yours)
    {
        var space = Space.Of(definition);
        var (tablet, phone) = (space.Client("anna", "tablet"), space.Client("bob", "phone"));
        Assert.Equal("201 applied", space.Client("anna", "maker").Create("made", @base).Summary);
        Assert.Equal("200 applied", Write(tablet, "theirs", theirs).Summary);
        return (Write(phone, "yours", yours), space);

        static Answer Write(Client client, string opId, string? patch) => patch is null ? client.Delete(opId, 1) : client.Update(opId, 1, patch);
    }

    private static string Field(string name, object value) => $$"""{"{{name}}":{{value}}}""";

    private static JsonObject Only(JsonValue? list) => (JsonObject)Assert.Single(((JsonArray)list!).Items);

    /// <summary>The rows of the table that has this head, cell by cell.</summary>
    private static IEnumerable<object[]> Rows(string head, Func<string[], object[]> read) => Cells(head).Select(read);

    private static IEnumerable<string[]> Cells(string head) => Page.Split('\n')
        .SkipWhile(line => !line.StartsWith(head, StringComparison.Ordinal)).Skip(2)
        .TakeWhile(line => line.StartsWith('|'))
        .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries));

    /// <summary>The first thing in a cell that is set as code.</summary>
    private static string Code(string cell) => cell.Split('`')[1];

    /// <summary>Status and word at the beginning of a cell.</summary>
    private static string Answered(string cell) => $"{cell.Split(' ')[0]} {Code(cell)}";

    /// <summary>The same, and whether the record is live or deleted then, which stands behind it.</summary>
    private static string Met(string cell) => $"{Answered(cell)} {cell.Split('`')[2].Trim(',', ' ').Split(':')[0]}";

    /// <summary>The example in JSON that holds a text; a member that stands alone is one of an object.</summary>
    private static JsonObject Fence(string holds)
    {
        var text = Page.Split("```").Single(block => block.StartsWith("json\n", StringComparison.Ordinal) && block.Contains(holds, StringComparison.Ordinal))["json\n".Length..].Trim();
        return Worlds.Parsed(text.StartsWith('{') ? text : "{" + text + "}");
    }
}
