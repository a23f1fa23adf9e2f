namespace SyncServer.Tests.Entities;

/// <summary>A file of definitions that is gone after the test.</summary>
internal sealed class DefinitionsFile : IDisposable
{
    public DefinitionsFile(string text) => File.WriteAllText(Path, text);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"entities-{Guid.NewGuid():N}.json");

    public void Dispose() => File.Delete(Path);
}
