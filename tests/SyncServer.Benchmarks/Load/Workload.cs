namespace SyncServer.Benchmarks.Load;

/// <summary>What a connection is busy with, from its request to the answer.</summary>
internal sealed class Slot
{
    /// <summary>Which connection it is, from 0.</summary>
    public required int Connection { get; init; }

    /// <summary>The space that the request is about.</summary>
    public int Space { get; set; }

    /// <summary>The record in it.</summary>
    public int Record { get; set; }
}

/// <summary>
/// A stream of requests. The run calls it under one lock, so it needs none of its own; both methods are on the path of every
/// request and allocate nothing.
/// </summary>
internal abstract class Workload
{
    /// <summary>Ops that one request carries.</summary>
    public virtual int OpsPerRequest => 1;

    /// <summary>Writes the next request; false where there is none left for this connection.</summary>
    public abstract bool Write(Slot slot, RequestBuffer to);

    /// <summary>Whether this is the answer that the request has to have.</summary>
    public abstract bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer);
}
