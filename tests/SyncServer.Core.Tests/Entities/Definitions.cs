using SyncServer.Core.Entities;

namespace SyncServer.Core.Tests.Entities;

/// <summary>Definitions that a test writes down.</summary>
internal static class Definitions
{
    /// <summary>The definition of the entity <c>e</c>, which is right.</summary>
    public static EntityDefinition Of(string entity)
    {
        var (definitions, errors) = EntityDefinitions.Parse(Worlds.Parsed($$$"""{"entities":{"e":{{{entity}}}}}"""));
        Assert.Empty(errors);
        return definitions!.For("e");
    }

    /// <summary>What is wrong with the entity <c>e</c>: pointers below it and details.</summary>
    public static string[] ErrorsOf(string entity) => ErrorsOfFile($$$"""{"entities":{"e":{{{entity}}}}}""", "/entities/e");

    /// <summary>What is wrong with a file.</summary>
    public static string[] ErrorsOfFile(string file, string at = "")
    {
        var (definitions, errors) = EntityDefinitions.Parse(Worlds.Parsed(file));
        Assert.Equal(errors.Count > 0, definitions is null);
        return [.. errors.Select(error => $"{error.Pointer[at.Length..]}: {error.Detail}")];
    }

    /// <summary>What a step breaks; <c>null</c> stands for creation.</summary>
    public static string[] Broken(this EntityDefinition definition, string? before, string after) =>
        [.. definition.Violations(before is null ? null : Worlds.Parsed(before), Worlds.Parsed(after)).Select(error => $"{error.Pointer}: {error.Detail}")];
}
