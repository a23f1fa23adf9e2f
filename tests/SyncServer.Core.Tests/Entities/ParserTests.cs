using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Tests.Entities;

public class ParserTests
{
    [Fact]
    public void What_is_declared_is_read()
    {
        var task = Definitions.Of("""
            {
              "version": 3, "onEditDelete": "edit-wins", "additionalFields": false, "unique": ["number", ["title", "/who/name"]],
              "fields": {
                "number": { "type": "integer", "immutable": true, "required": true },
                "/title": { "type": "string", "merge": "text", "default": "new" },
                "/who/name": {},
                "a/b": { "transitions": { "open": ["done"] } }
              }
            }
            """);
        Assert.Equal(("e", 3, OnEditDelete.EditWins, false), (task.Name, task.Version, task.OnEditDelete, task.AdditionalFields));
        Assert.Equal(["/number", "/title", "/who/name", "/a~1b"], task.Fields.Keys);
        Assert.Equal([["/number"], ["/title", "/who/name"]], task.Unique.Select(rule => rule.Fields));
        Assert.Equal(new FieldDefinition { Pointer = "/number", Type = FieldType.Integer, Immutable = true, Required = true }, task.Fields["/number"]);
        Assert.Equal(
            new FieldDefinition { Pointer = "/title", Type = FieldType.String, Merge = FieldPolicy.Text, Default = new JsonString("new") }, task.Fields["/title"]);
        Assert.Equal(["done"], task.Fields["/a~1b"].Transitions!.Steps["open"]);
    }

    [Fact]
    public void What_is_not_declared_is_schemaless_and_review()
    {
        var (definitions, _) = EntityDefinitions.Parse(Worlds.Parsed("""{"$schema":"./entities.schema.json","entities":{"e":{}}}"""));
        Assert.Equal("""{"e":{"version":1,"fields":{},"unique":[],"onEditDelete":"review","additionalFields":true}}""", definitions!.ToJson().ToString());
        foreach (var entity in new[] { definitions.For("e"), definitions.For("other"), EntityDefinitions.None.For("e") })
        {
            Assert.Equal((OnEditDelete.Review, true, FieldPolicy.Review), (entity.OnEditDelete, entity.AdditionalFields, entity.MergePolicyOf("/a/b")));
            Assert.Empty(entity.Broken("""{"a":1}""", """{"b":{"c":[]}}"""));
        }
    }

    [Theory]
    [InlineData("title", "/title", "title")]
    [InlineData("/title", "/title", "title")]
    [InlineData("/address/city", "/address/city", "/address/city")]
    [InlineData("a/b~", "/a~1b~0", "a/b~")]
    [InlineData("/~1a", "/~1a", "/~1a")]
    [InlineData("/", "/", "/")]
    [InlineData("/a/", "/a/", "/a/")]
    public void A_field_is_named_by_its_name_or_its_pointer(string name, string pointer, string written)
    {
        var entity = Definitions.Of(JsonObject.Of(("fields", JsonObject.Of((name, JsonObject.Empty)))).ToString());
        Assert.Equal([pointer], entity.Fields.Keys);
        Assert.Equal([written], ((JsonObject)entity.ToJson()["fields"]!).Members.Select(member => member.Key));
    }

    [Fact]
    public void A_path_has_the_policy_of_the_nearest_field_declared_at_or_above_it()
    {
        var entity = Definitions.Of("""{"fields":{"a":{"merge":"lww"},"/a/b":{},"/a/b/c":{"merge":"counter"},"ab":{"merge":"max"}}}""");
        Assert.Equal(
            ["lww", "lww", "review", "review", "counter", "max", "review", "review"],
            new[] { "/a", "/a/x/y", "/a/b", "/a/b/x", "/a/b/c", "/ab", "/abc", "" }.Select(path => entity.MergePolicyOf(path).Name));
    }

    [Fact]
    public void Every_error_of_a_file_is_reported_with_its_place_and_a_remedy() => Assert.Equal(
        [
            "/entites: The member is unknown. Did you mean 'entities'?",
            ": The file has no member 'entities'. Write { \"entities\": { \"note\": { … } } }.",
        ],
        Definitions.ErrorsOfFile("""{"entites":{}}"""));

    [Fact]
    public void Every_error_of_an_entity_is_reported_at_once() => Assert.Equal(
        [
            "/onEditDelet: The member is unknown. Did you mean 'onEditDelete'?",
            "/colour: The member is unknown. Known are: version, fields, unique, onEditDelete, additionalFields.",
            "/fields/a/merge: The value is none that the member takes. Did you mean 'lww'?",
            "/fields/a/type: The value is none that the member takes. Did you mean 'string'?",
            "/fields/b: The field's definition is not an object. Write {} for a field of any type.",
            "/version: The version is not an integer of at least 1. Begin with 1 and add 1 at every change.",
            "/unique/0: The field 'titel' is not declared. Did you mean 'title'?",
            "/additionalFields: The member is not a boolean. Write true or false, or leave it out for true.",
        ],
        Definitions.ErrorsOf("""
            {
              "onEditDelet": "review", "colour": 1, "version": 0, "additionalFields": "no", "unique": [["titel"]],
              "fields": { "a": { "type": "sting", "merge": "lwv" }, "b": 7, "title": {} }
            }
            """).Order(Comparer<string>.Create((left, right) => Place(left) - Place(right))));

    private static int Place(string error) =>
        Array.FindIndex(["/onE", "/colour", "/fields/a/m", "/fields/a/t", "/fields/b", "/version", "/unique", "/add"], start => error.StartsWith(start, StringComparison.Ordinal));

    [Theory]
    [InlineData("""{"entities":{"1e":{}}}""", "/entities/1e: The entity's name is none. Begin with a letter")]
    [InlineData("""{"entities":{"$conflict":{}}}""", "/entities/$conflict: The entity's name is none.")]
    [InlineData("""{"entities":[]}""", "/entities: The member is not an object.")]
    [InlineData("""{"entities":{"e":null}}""", "/entities/e: The entity's definition is not an object.")]
    public void A_file_that_declares_nothing_sensible_is_refused(string file, string error) =>
        Assert.StartsWith(error, Assert.Single(Definitions.ErrorsOfFile(file)), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"type":"string","default":1}""", "default: The default is none for this field. The field is of type string.")]
    [InlineData("""{"type":"integer","default":1.5}""", "default: The default is none for this field.")]
    [InlineData("""{"required":true,"default":null}""", "default: In data null means absent")]
    [InlineData("""{"default":{"a":{"b":null}}}""", "default: In data null means absent")]
    [InlineData("""{"merge":"counter","default":"1"}""", "default: The default is none that 'counter' merges.")]
    [InlineData("""{"merge":"crdt","default":{}}""", "default: The default is none for this field. The field holds the updates of a CRDT")]
    [InlineData("""{"transitions":{"open":["done"]},"default":"opn"}""", "default: The default is none for this field. The field holds a declared state: 'open', 'done'.")]
    [InlineData("""{"type":"string","merge":"counter"}""", "merge: 'counter' merges fields of type number or integer, and this one holds string.")]
    [InlineData("""{"type":"boolean","merge":"max"}""", "merge: 'max' merges fields of type number or integer or string")]
    [InlineData("""{"type":"array","merge":"min"}""", "merge: 'min' merges")]
    [InlineData("""{"type":"object","merge":"append"}""", "merge: 'append' merges fields of type array")]
    [InlineData("""{"type":"string","merge":"set"}""", "merge: 'set' merges fields of type array")]
    [InlineData("""{"type":"array","merge":"text"}""", "merge: 'text' merges fields of type string")]
    [InlineData("""{"type":"string","merge":"crdt"}""", "merge: 'crdt' merges fields of type object")]
    [InlineData("""{"transitions":{"a":[]},"merge":"counter"}""", "merge: 'counter' merges fields of type number or integer, and this one holds string.")]
    [InlineData("""{"type":"integer","transitions":{"a":[]}}""", "transitions: States are strings, and the field is of type integer.")]
    [InlineData("""{"transitions":{}}""", "transitions: A state machine has 1 to 100 states")]
    [InlineData("""{"transitions":["a"]}""", "transitions: The member is not an object.")]
    [InlineData("""{"transitions":{"a":"b"}}""", "transitions: The steps from 'a' are not a list of states.")]
    [InlineData("""{"transitions":{"a":[1]}}""", "transitions: The steps from 'a' are not a list of states.")]
    [InlineData("""{"transitions":{"a":["b","b"]}}""", "transitions: A step from 'a' stands twice.")]
    [InlineData("""{"immutable":true,"merge":"counter"}""", "immutable: The field never changes, and 'merge': 'counter' says how it does.")]
    [InlineData("""{"immutable":true,"transitions":{"a":["b"]}}""", "immutable: The field never changes, and 'transitions' says how it does.")]
    [InlineData("""{"merge":null}""", "merge: The value is none that the member takes. Known are: review, lww,")]
    [InlineData("""{"requird":true}""", "requird: The member is unknown. Did you mean 'required'?")]
    public void A_field_that_contradicts_itself_is_refused(string field, string error) =>
        Assert.StartsWith("/fields/f/" + error, Assert.Single(Definitions.ErrorsOf($$$"""{"fields":{"f":{{{field}}}}}""")), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"version":1.5}""", "/version: ")]
    [InlineData("""{"version":"1"}""", "/version: ")]
    [InlineData("""{"fields":{"":{}}}""", "/fields/: The field has no name.")]
    [InlineData("""{"fields":{"/a~2":{}}}""", "/fields/~1a~02: The field is not a JSON Pointer")]
    [InlineData("""{"fields":{"a":{},"/a":{}}}""", "/fields/~1a: The field is declared twice")]
    [InlineData("""{"fields":{"a":{"merge":"crdt"},"/a/b":{}}}""", "/fields/~1a~1b: The field lies below 'a', which merges by 'crdt'.")]
    [InlineData("""{"fields":{"/a/b/c":{},"a":{"type":"array"}}}""", "/fields/~1a~1b~1c: The field lies below 'a', which is of type array.")]
    [InlineData("""{"fields":{"/a/b":{},"a":{"transitions":{"x":[]}}}}""", "/fields/~1a~1b: The field lies below 'a', which is a state machine.")]
    [InlineData("""{"fields":{"a":{"default":{"b":"x"}},"/a/b":{"type":"integer"}}}""", "/fields: The defaults together contradict '/a/b'")]
    [InlineData("""{"fields":{"a":{"default":7},"/a/b":{}}}""", "/fields: The defaults together contradict 'a'")]
    [InlineData("""{"unique":"a"}""", "/unique: The member is not a list.")]
    [InlineData("""{"unique":[[]]}""", "/unique/0: The rule is not a list of 1 to 10 fields.")]
    [InlineData("""{"unique":[["a"]]}""", "/unique/0: The field 'a' is not declared. Declare it under 'fields'.")]
    [InlineData("""{"fields":{"a":{}},"unique":[["a","/a"]]}""", "/unique/0: The rule names a field twice.")]
    [InlineData("""{"fields":{"a":{},"b":{}},"unique":[["a","b"],["b","a"]]}""", "/unique/1: The rule stands twice.")]
    [InlineData("""{"fields":{"a":{"type":"array"}},"unique":[["a"]]}""", "/unique/0: The field 'a' holds a list or an object.")]
    [InlineData("""{"fields":{"a":{"merge":"set"}},"unique":[["a"]]}""", "/unique/0: The field 'a' holds a list or an object.")]
    [InlineData("""{"fields":{},"unique":[[1]]}""", "/unique/0: A field is named by a string.")]
    public void An_entity_that_contradicts_itself_is_refused(string entity, string error) =>
        Assert.StartsWith(error, Assert.Single(Definitions.ErrorsOf(entity)), StringComparison.Ordinal);

    [Fact]
    public void What_is_over_a_bound_is_refused()
    {
        static string Many(int count, Func<int, string> one) => string.Join(',', Enumerable.Range(0, count).Select(one));
        Assert.Equal(
            ["/entities: The object has 201 members. At most 200 are allowed."],
            Definitions.ErrorsOfFile("{\"entities\":{" + Many(201, i => $"\"e{i}\":{{}}") + "}}"));
        Assert.Equal(
            ["/fields: The object has 501 members. At most 500 are allowed."], Definitions.ErrorsOf("{\"fields\":{" + Many(501, i => $"\"f{i}\":{{}}") + "}}"));
        Assert.StartsWith(
            "/unique: The list has 11 elements.", Assert.Single(Definitions.ErrorsOf($$"""{"unique":[{{Many(11, _ => "[]")}}]}""")), StringComparison.Ordinal);
        Assert.Contains("more than 512 characters", Definitions.ErrorsOf("{\"fields\":{\"" + new string('a', 512) + "\":{}}}").Single(), StringComparison.Ordinal);
        Assert.Contains(
            "more than 16384 bytes", Definitions.ErrorsOf("{\"fields\":{\"a\":{\"default\":\"" + new string('a', 16384) + "\"}}}").Single(), StringComparison.Ordinal);
        Assert.Contains("1 to 100 states", Definitions.ErrorsOf("{\"fields\":{\"a\":{\"transitions\":{\"x\":[" + Many(100, i => $"\"s{i}\"") + "]}}}}").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_JSON_is_read_or_refused_and_what_was_read_is_read_again_from_what_it_writes()
    {
        var read = 0;
        Property.Holds(Files(5).Select(value => value as JsonObject ?? JsonObject.Of(("entities", value))), file =>
        {
            var (definitions, errors) = EntityDefinitions.Parse(file);
            Assert.Equal(definitions is null, errors.Count > 0);
            if (definitions is not null)
            {
                read++;
                var written = definitions.ToJson();
                var (again, none) = EntityDefinitions.Parse(JsonObject.Of(("entities", written)));
                Assert.Empty(none);
                Assert.Equal(written.ToString(), again!.ToJson().ToString());
            }
        }, worlds: 20_000);
        Assert.True(read > 100, $"Only {read} files were right.");
    }

    [Fact]
    public void A_right_file_with_any_value_in_any_place_is_read_or_refused()
    {
        var sample = (JsonObject)Samples.Read("entities.sample.json");
        var places = Places(sample, "").ToArray();
        Property.Holds(Gen.Elements(places).Zip(Files(2)), pair =>
        {
            var (definitions, errors) = EntityDefinitions.Parse((JsonObject)Replace(sample, pair.Item1, pair.Item2));
            Assert.Equal(definitions is null, errors.Count > 0);
        }, worlds: 5_000);
    }

    private static IEnumerable<string> Places(JsonObject value, string at) => value.Members.SelectMany(member =>
        Places(member.Value as JsonObject ?? JsonObject.Empty, JsonPointer.Child(at, member.Key)).Prepend(JsonPointer.Child(at, member.Key)));

    private static JsonValue Replace(JsonValue whole, string place, JsonValue value, string at = "") => at == place ? value
        : whole is not JsonObject members ? whole
        : JsonObject.Of(members.Members.Select(member => (member.Key, (JsonValue?)Replace(member.Value, place, value, JsonPointer.Child(at, member.Key)))));

    /// <summary>Values out of the words that definitions are made of, so that many are nearly right.</summary>
    private static Gen<JsonValue> Files(int depth)
    {
        string[] names = depth switch
        {
            5 => ["entities", "entites"],
            4 => ["e", "note", "1"],
            3 => ["version", "fields", "unique", "onEditDelete", "additionalFields"],
            2 => ["a", "/a", "/a/b", "/b/c", "b", "", "~", "/~"],
            _ => ["type", "required", "merge", "default", "transitions", "immutable"],
        };
        string[] words = ["review", "edit-wins", "string", "array", "object", "lww", "counter", "set", "crdt", "a", "/a/b", ""];
        var leaf = Gen.OneOf(
            Gen.Elements(words).Select(word => (JsonValue)new JsonString(word)),
            Gen.Elements<JsonValue>(JsonLiteral.True, JsonLiteral.Null, JsonNumber.Of(1), new JsonNumber("1e-99999999999"), Worlds.Parsed("""{"a":["b"]}""")),
            Gen.Elements<JsonValue>(Worlds.ParsedValue("""[["a"]]"""), new JsonArray([new JsonString("b")]), new JsonArray([])),
            Worlds.Values);
        var inner = depth == 0 ? leaf : Gen.Frequency((1, leaf), (6, Files(depth - 1)));
        var members =
            from some in Gen.SubListOf(names)
            from values in Gen.ArrayOf(inner, some.Count)
            select (JsonValue)JsonObject.Of(some.Zip(values, (name, value) => (name, (JsonValue?)value)));
        return depth == 0 ? leaf : members;
    }
}
