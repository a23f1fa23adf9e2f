using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Tests.Entities;

public class SchemaTests
{
    private static readonly JsonValue Schema = Samples.Read("entities.schema.json");

    [Fact]
    public void The_sample_is_right_and_shows_every_policy_type_and_choice()
    {
        var (definitions, errors) = EntityDefinitions.Parse((JsonObject)Samples.Read("entities.sample.json"));
        Assert.Empty(errors);
        var fields = definitions!.All.SelectMany(definition => definition.Fields.Values).ToList();
        Assert.Equal(FieldPolicy.All.Select(policy => policy.Name).Order(), fields.Select(field => field.Merge.Name).Distinct().Order());
        Assert.Equal(FieldType.All.Select(type => type.Name).Order(), fields.Select(field => field.Type!.Name).Distinct().Order());
        Assert.Equal(OnEditDelete.All.Select(choice => choice.Name).Order(), definitions.All.Select(definition => definition.OnEditDelete.Name).Order());
    }

    [Fact]
    public void The_schema_completes_what_the_server_reads_and_nothing_else()
    {
        Assert.Equal(Vocabulary.File, Names(""));
        Assert.Equal(Vocabulary.Entity, Names("/$defs/entity"));
        Assert.Equal(Vocabulary.Field, Names("/$defs/field"));
        Assert.Equal(FieldPolicy.All.Select(policy => policy.Name), Choices("/$defs/field/properties/merge"));
        Assert.Equal(FieldType.All.Select(type => type.Name), Choices("/$defs/field/properties/type"));
        Assert.Equal(OnEditDelete.All.Select(choice => choice.Name), Choices("/$defs/entity/properties/onEditDelete"));
    }

    [Theory]
    [InlineData("/properties/entities/maxProperties", DefinitionLimits.Entities)]
    [InlineData("/$defs/entity/properties/fields/maxProperties", DefinitionLimits.Fields)]
    [InlineData("/$defs/entity/properties/fields/propertyNames/maxLength", DefinitionLimits.PointerLength)]
    [InlineData("/$defs/entity/properties/unique/maxItems", DefinitionLimits.UniqueRules)]
    [InlineData("/$defs/field/properties/transitions/maxProperties", DefinitionLimits.States)]
    [InlineData("/$defs/field/properties/transitions/propertyNames/maxLength", DefinitionLimits.StateLength)]
    public void The_schema_has_the_bounds_of_the_server(string pointer, int bound) =>
        Assert.Equal(JsonNumber.Of(bound), JsonPointer.Find(Schema, pointer));

    [Theory]
    [InlineData("")]
    [InlineData("/$defs/entity")]
    [InlineData("/$defs/field")]
    public void Every_member_has_a_description(string at) =>
        Assert.All(Members(at), member => Assert.IsType<JsonString>(JsonPointer.Find(member.Value, "/description")));

    private static IReadOnlyList<KeyValuePair<string, JsonValue>> Members(string at) => ((JsonObject)JsonPointer.Find(Schema, at + "/properties")!).Members;

    private static IEnumerable<string> Names(string at) => Members(at).Select(member => member.Key);

    private static IEnumerable<string> Choices(string at) => ((JsonArray)JsonPointer.Find(Schema, at + "/oneOf")!).Items
        .Select(choice => (Assert.IsType<JsonString>(JsonPointer.Find(choice, "/const")).Text, Assert.IsType<JsonString>(JsonPointer.Find(choice, "/description"))).Item1);
}
