namespace SyncServer.Core.Merge.Values;
public static class TextMerge { public static string? Merge(string? @base, string theirs, string yours) => null; }
