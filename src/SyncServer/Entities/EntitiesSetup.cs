using SyncServer.Core.Entities;

namespace SyncServer.Entities;

/// <summary>Registers the entity definitions.</summary>
public static class EntitiesSetup
{
    /// <summary>The setting that names the file; relative to the content root.</summary>
    public const string Key = "Sync:Entities";

    /// <summary>
    /// Reads the file, once: a server never changes its rules while it runs. Adds <see cref="EntityDefinitions"/>, without
    /// any where no file is named; throws <see cref="EntitiesFileException"/> where one is and it cannot be used.
    /// </summary>
    public static WebApplicationBuilder AddEntities(this WebApplicationBuilder builder)
    {
        var definitions = builder.Configuration[Key] is { Length: > 0 } path
            ? EntitiesFile.Read(Path.GetFullPath(path, Path.GetFullPath(builder.Environment.ContentRootPath)))
            : EntityDefinitions.None;
        builder.Services.AddSingleton(definitions);
        return builder;
    }
}
