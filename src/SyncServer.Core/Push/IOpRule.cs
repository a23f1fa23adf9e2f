using SyncServer.Core.Json;
using SyncServer.Core.Ops;

namespace SyncServer.Core.Push;

/// <summary>A step of a record that is about to be written, whoever asked for it: an op, plain HTTP or a resolution.</summary>
/// <param name="Key">The record.</param>
/// <param name="Kind">What is done.</param>
/// <param name="Before">Its data before; null at creation.</param>
/// <param name="After">Its data afterwards, merged; null of a delete.</param>
/// <param name="Principal">Who.</param>
public sealed record OpStep(RecordKey Key, OpKind Kind, JsonObject? Before, JsonObject? After, string Principal);

/// <summary>
/// A rule in code. It sees the merged state in the transaction that would write it, and may refuse it; the client gets 422
/// <c>rejected</c> with its errors. It is a function of the step: no I/O, no clock, and the same answer for the same step,
/// because a step may be decided more than once.
/// </summary>
public interface IOpRule
{
    /// <summary>Why the step may not be, with pointers into <c>data</c>; empty where it may.</summary>
    IEnumerable<FieldError> Check(OpStep step);
}
