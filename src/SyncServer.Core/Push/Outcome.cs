using System.Text.Json;
using SyncServer.Core.Json;
using SyncServer.Core.Merge;
using SyncServer.Core.Records;

namespace SyncServer.Core.Push;

/// <summary>How an op ended, as the manifest and dependencies see it; the numbers are stored.</summary>
public enum OutcomeState
{
    /// <summary>Not stored: the server has not decided it.</summary>
    Unknown = 0,

    /// <summary>Applied as sent.</summary>
    Applied = 1,

    /// <summary>Merged with what others did.</summary>
    Merged = 2,

    /// <summary>Parked.</summary>
    Conflict = 3,

    /// <summary>Refused for good.</summary>
    Rejected = 4,

    /// <summary>Parked, and its conflict was resolved since.</summary>
    Resolved = 5,
}

/// <summary>The answer to one op: what the first decision said, byte for byte, also when it is repeated.</summary>
public sealed record Outcome
{
    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>How the op ended; <see cref="OutcomeState.Unknown"/> where nothing is stored.</summary>
    public required OutcomeState State { get; init; }

    /// <summary>The JSON body; empty where the answer has none.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The revision that the op made or met.</summary>
    public long? Rev { get; init; }

    /// <summary>The ETag header, quotes included.</summary>
    public string? ETag { get; init; }

    /// <summary>The Location header.</summary>
    public string? Location { get; init; }

    /// <summary>Where the op was parked.</summary>
    public string? ConflictId { get; init; }

    /// <summary>Whether this is the answer to a repeat.</summary>
    public bool Replayed { get; init; }

    /// <summary>Whether this says that an op was a success whose whole outcome is past its retention.</summary>
    public bool IsExpiredSuccess { get; init; }

    /// <summary>Whether it goes into the outcomes table.</summary>
    public bool IsStored => State != OutcomeState.Unknown;

    /// <summary>Whether an op that depends on this one may go on.</summary>
    public bool IsSuccess => Status < 300;
}

/// <summary>An outcome in the table, with what tells a repeat from another request.</summary>
public sealed record StoredOutcome(Outcome Outcome, ReadOnlyMemory<byte> Fingerprint)
{
    /// <summary>Of a resolved conflict: whether the op's work survived (<c>mine</c> or <c>merge</c>).</summary>
    public bool ResolvedForOp { get; init; }

    /// <summary>Whether it is past its retention: status, state and revision are left, what was answered is not.</summary>
    public bool IsExpired { get; init; }

    /// <summary>Whether what was answered stayed in the database, because it was not asked for or there was no room for it.</summary>
    public bool IsBodyLeft { get; init; }

    /// <summary>The entity it was about, for figures; empty for requests that are not about a record.</summary>
    public string Entity { get; init; } = "";

    /// <summary>Whether an op that depends on it may go on (protocol 3.1).</summary>
    public bool Satisfies => Outcome.State is OutcomeState.Applied or OutcomeState.Merged
        || (Outcome.State == OutcomeState.Resolved && ResolvedForOp);
}

/// <summary>The names of states on the wire.</summary>
public static class OutcomeStates
{
    /// <summary>A merged op is applied, as far as others care.</summary>
    public static string Name(this OutcomeState state) => state switch
    {
        OutcomeState.Applied or OutcomeState.Merged => "applied",
        OutcomeState.Conflict => "conflict",
        OutcomeState.Rejected => "rejected",
        OutcomeState.Resolved => "resolved",
        _ => "unknown",
    };
}

/// <summary>Writes the bodies of outcomes (protocol 3.2).</summary>
public static class OutcomeBody
{
    /// <summary>A success: applied, or merged where <paramref name="merge"/> is given. Only a resolution may leave no record.</summary>
    public static ReadOnlyMemory<byte> Success(string opId, int status, SyncRecord? record, IReadOnlyList<Explanation>? merge) =>
        JsonText.Bytes((OpId: opId, Status: status, Record: record, Merge: merge), static (writer, success) =>
        {
            writer.WriteStartObject();
            writer.WriteString("opId", success.OpId);
            writer.WriteNumber("status", success.Status);
            writer.WriteString("result", success.Merge is null ? "applied" : "merged");
            if (success.Record is not null)
            {
                writer.WritePropertyName("record");
                success.Record.WriteTo(writer);
            }

            if (success.Merge is not null)
            {
                Explanation.WriteList(writer, "merge", success.Merge);
            }

            writer.WriteEndObject();
        });

    /// <summary>A problem document (RFC 9457), of an op or of any other request; <paramref name="extra"/> writes further members.</summary>
    public static ReadOnlyMemory<byte> Problem(Rejection rejection, Occurrence occurrence, Action<Utf8JsonWriter>? extra = null) =>
        JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            WriteProblemMembers(writer, rejection, occurrence);
            extra?.Invoke(writer);
            writer.WriteEndObject();
        });

    private static void WriteProblemMembers(Utf8JsonWriter writer, Rejection rejection, Occurrence occurrence)
    {
        var info = rejection.Code.Info();
        writer.WriteString("type", info.Type);
        writer.WriteString("title", info.Title);
        writer.WriteNumber("status", info.Status);
        writer.WriteString("detail", rejection.Detail);
        writer.WriteString("instance", occurrence.Instance);
        writer.WriteString("traceId", occurrence.TraceId);
        if (occurrence.OpId is { } opId)
        {
            writer.WriteString("opId", opId);
        }

        if (rejection.Errors.Count > 0)
        {
            writer.WriteStartArray("errors");
            foreach (var error in rejection.Errors)
            {
                writer.WriteStartObject();
                writer.WriteString("pointer", error.Pointer);
                writer.WriteString("detail", error.Detail);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }
    }

    /// <summary>Writes the state that a refusal met: <c>current</c> and <c>etag</c>, nothing where there is no record.</summary>
    public static void WriteCurrent(Utf8JsonWriter writer, SyncRecord? current)
    {
        if (current is not null)
        {
            writer.WritePropertyName("current");
            current.WriteTo(writer);
            writer.WriteString("etag", current.ETag);
        }
    }
}

/// <summary>Where and when a problem occurred: a path of the server, the trace, and the op where there is one.</summary>
public sealed record Occurrence(string Instance, string TraceId, string? OpId = null);
