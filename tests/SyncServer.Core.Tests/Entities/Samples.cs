using SyncServer.Core.Json;

namespace SyncServer.Core.Tests.Entities;

/// <summary>The files in <c>docs/</c> that readers copy.</summary>
internal static class Samples
{
    public static JsonValue Read(string name) =>
        Worlds.ParsedValue(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", name)));
}
