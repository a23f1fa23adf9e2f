namespace SyncServer.Http;

/// <summary>An identity that says how it is called in the log.</summary>
internal interface IPseudonymous
{
    /// <summary>Ties lines together and names nobody.</summary>
    string Pseudonym { get; }
}
