namespace SyncServer.Storage.Embedded;

/// <summary>The embedded PostgreSQL cannot run here; the message says why and what an operator can do about it.</summary>
public sealed class EmbeddedPostgresException(string message, Exception? inner = null) : Exception(message, inner);
