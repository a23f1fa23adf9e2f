using Microsoft.Extensions.DependencyInjection;
using SyncServer.Core.Entities;
using SyncServer.Entities;

namespace SyncServer.Tests.Entities;

public sealed class StartUpTests
{
    [Fact]
    public async Task A_server_has_the_definitions_of_its_file()
    {
        // A byte order mark, as some editors write it, is no part of the text.
        using var file = new DefinitionsFile("""{"entities":{"note":{"version":7}}}""".Insert(0, "\uFEFF"));
        await using var app = ServerHost.Build([$"--Sync:Entities={file.Path}"]);
        Assert.Equal(7, app.Services.GetRequiredService<EntityDefinitions>().For("note").Version);
    }

    [Theory]
    [InlineData]
    [InlineData("--Sync:Entities=")]
    public async Task Without_a_file_every_entity_is_schemaless(params string[] settings)
    {
        await using var app = ServerHost.Build(settings);
        Assert.Empty(app.Services.GetRequiredService<EntityDefinitions>().All);
    }

    [Fact]
    public async Task A_relative_path_is_one_below_the_content_root()
    {
        using var file = new DefinitionsFile("""{"entities":{"note":{}}}""");
        await using var app = ServerHost.Build(
            [$"--contentRoot={Path.GetDirectoryName(file.Path)}", $"--Sync:Entities={Path.GetFileName(file.Path)}"]);
        Assert.Single(app.Services.GetRequiredService<EntityDefinitions>().All);
    }

    [Fact]
    public void A_server_with_a_wrong_file_does_not_start_and_lists_every_error()
    {
        using var file = new DefinitionsFile("""{"entities":{"note":{"versoin":1,"fields":{"a":{"merge":"lwv"}}},"1":{}}}""");
        Assert.Equal(
            string.Join(Environment.NewLine,
                $"The entity definitions in '{file.Path}' cannot be used. Mend what is listed here, or name no file:",
                "  /entities/note/versoin: The member is unknown. Did you mean 'version'?",
                "  /entities/note/fields/a/merge: The value is none that the member takes. Did you mean 'lww'?",
                "  /entities/1: The entity's name is none. Begin with a letter and go on with at most 63 of A-Z a-z 0-9 _ -."),
            RefusalOf(file.Path));
    }

    [Theory]
    [InlineData("", "  (the whole file): The body is not well-formed JSON")]
    [InlineData("[]", "  (the whole file): The file is not an object.")]
    [InlineData("""{"entities":{},"entities":{}}""", "  /entities: The member name stands twice in its object.")]
    public void A_file_that_is_no_JSON_object_is_refused(string text, string error)
    {
        using var file = new DefinitionsFile(text);
        Assert.Contains(error, RefusalOf(file.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_over_its_bound_is_refused()
    {
        using var file = new DefinitionsFile("""{"entities":{}}""" + new string(' ', DefinitionLimits.FileBytes));
        Assert.Contains("more than 1048576 bytes", RefusalOf(file.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_missing_or_a_directory_is_refused()
    {
        var missing = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        Assert.StartsWith($"The entity definitions in '{missing}' cannot be read: ", RefusalOf(missing), StringComparison.Ordinal);
        Assert.StartsWith($"The entity definitions in '{Path.GetTempPath()}' cannot be read: ", RefusalOf(Path.GetTempPath()), StringComparison.Ordinal);
    }

    private static string RefusalOf(string path) =>
        Assert.Throws<EntitiesFileException>(() => ServerHost.Build([$"--Sync:Entities={path}"])).Message;
}
