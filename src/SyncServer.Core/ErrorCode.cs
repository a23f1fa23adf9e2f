namespace SyncServer.Core;

/// <summary>
/// Every refusal the server knows, one member each, with its cause and remedy. <see cref="ErrorCodes"/> gives the
/// HTTP status, the stable slug under <c>/problems/</c> and the title of each.
/// </summary>
public enum ErrorCode
{
    /// <summary>The request is malformed. Remedy: mend the members named in <c>errors</c> and send it as a new request.</summary>
    InvalidRequest,

    /// <summary>A mutating request came without an Idempotency-Key. Remedy: send one key per intent.</summary>
    IdempotencyKeyMissing,

    /// <summary>The Idempotency-Key is empty, too long, not ASCII or given twice. Remedy: 1 to 255 printable ASCII characters.</summary>
    IdempotencyKeyInvalid,

    /// <summary>The key was used for another request; the first outcome stays. Remedy: a new key for new content.</summary>
    IdempotencyKeyReused,

    /// <summary>The cursor is not one that this space issued. Remedy: pull again without a cursor.</summary>
    InvalidCursor,

    /// <summary>No valid bearer token. Remedy: authenticate again, keep the outbox.</summary>
    Unauthorized,

    /// <summary>The caller is known but lacks the right. Remedy: ask an owner of the space for another role.</summary>
    Forbidden,

    /// <summary>Nothing here, or nothing that the caller may know of.</summary>
    NotFound,

    /// <summary>An update, delete or restore of an id that never existed; perhaps its create is still on the way.</summary>
    RecordNotFound,

    /// <summary>The route exists, with other methods. The Allow header names them.</summary>
    MethodNotAllowed,

    /// <summary>None of the representations this route has is acceptable to the client.</summary>
    NotAcceptable,

    /// <summary>The request took too long to arrive. Remedy: repeat the same bytes under the same key.</summary>
    RequestTimeout,

    /// <summary>Somebody else changed what the op touches, and the policy says ask. The op is parked as a conflict.</summary>
    Conflict,

    /// <summary>A create of an id that exists or existed, or a restore of a live record. Parked as a conflict.</summary>
    AlreadyExists,

    /// <summary>An edit of a record that was deleted meanwhile. Parked as a conflict.</summary>
    DeletedElsewhere,

    /// <summary>A delete of a record that was edited meanwhile. Parked as a conflict.</summary>
    EditedElsewhere,

    /// <summary>The conflict was resolved before. Remedy: pull; what was decided is in the record.</summary>
    AlreadyResolved,

    /// <summary>The space would be left without an owner. Remedy: make somebody else an owner first, or erase the space.</summary>
    LastOwner,

    /// <summary>The record is deleted. The tombstone is in <c>current</c>.</summary>
    Gone,

    /// <summary>The data of the deleted record was purged and cannot come back.</summary>
    Purged,

    /// <summary>A repeat after the retention of outcomes; the effect of the first stands. <c>state</c> and <c>rev</c> tell what it was.</summary>
    OutcomeExpired,

    /// <summary>The client's view is of another history of this database. Remedy: pull again from the start, keep the outbox.</summary>
    ResyncRequired,

    /// <summary>If-Match or If-None-Match did not hold. The record is in <c>current</c>.</summary>
    PreconditionFailed,

    /// <summary>A precondition (baseRev, If-Match or If-None-Match) is needed and missing.</summary>
    PreconditionRequired,

    /// <summary>The body, a list in it or the merged data is over its published limit.</summary>
    TooLarge,

    /// <summary>The body's content type or content coding is not one this route takes.</summary>
    UnsupportedMediaType,

    /// <summary>A declared rule, type or limit refuses the merged state.</summary>
    Rejected,

    /// <summary>The patch carries an intent operator that the server does not know, or one with a wrong operand.</summary>
    InvalidOperator,

    /// <summary>An op that this one depends on is not applied. <c>dependency</c> names it and its state.</summary>
    DependencyFailed,

    /// <summary>The op stood in an atomic batch in which another op failed; nothing of the batch was stored.</summary>
    BatchFailed,

    /// <summary>Too many requests, or too many open conflicts on one record. Remedy: wait for Retry-After, keep the op.</summary>
    TooManyRequests,

    /// <summary>The request line or a header is too long.</summary>
    HeadersTooLarge,

    /// <summary>The server cannot decide now. It says nothing about the op: repeat the same bytes under the same key.</summary>
    Unavailable,

    /// <summary>A bug. It says nothing about the op: repeat the same bytes under the same key.</summary>
    Internal,
}

/// <summary>What the wire shows of an <see cref="ErrorCode"/>.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Slug">The last segment of the problem's <c>type</c>, stable for good.</param>
/// <param name="Title">The same for every occurrence (RFC 9457, 3.1.3).</param>
public sealed record ErrorInfo(int Status, string Slug, string Title)
{
    /// <summary>The problem's <c>type</c>: a reference relative to the server (RFC 9457, 3.1.1).</summary>
    public string Type => "/problems/" + Slug;
}

/// <summary>Status, slug and title of every <see cref="ErrorCode"/>.</summary>
public static class ErrorCodes
{
    private static readonly Dictionary<ErrorCode, ErrorInfo> Infos = new()
    {
        [ErrorCode.InvalidRequest] = new(400, "invalid-request", "The request is malformed"),
        [ErrorCode.IdempotencyKeyMissing] = new(400, "idempotency-key-missing", "An idempotency key is required"),
        [ErrorCode.IdempotencyKeyInvalid] = new(400, "idempotency-key-invalid", "The idempotency key is malformed"),
        [ErrorCode.IdempotencyKeyReused] = new(422, "idempotency-key-reused", "The idempotency key was used for another request"),
        [ErrorCode.InvalidCursor] = new(400, "invalid-cursor", "The cursor is not one of this space"),
        [ErrorCode.Unauthorized] = new(401, "unauthorized", "A valid bearer token is required"),
        [ErrorCode.Forbidden] = new(403, "forbidden", "The caller lacks the right"),
        [ErrorCode.NotFound] = new(404, "not-found", "There is nothing here"),
        [ErrorCode.RecordNotFound] = new(404, "record-not-found", "The record has never existed"),
        [ErrorCode.MethodNotAllowed] = new(405, "method-not-allowed", "The method is not allowed here"),
        [ErrorCode.NotAcceptable] = new(406, "not-acceptable", "No acceptable representation"),
        [ErrorCode.RequestTimeout] = new(408, "request-timeout", "The request took too long to arrive"),
        [ErrorCode.Conflict] = new(409, "conflict", "The op touches what somebody else changed"),
        [ErrorCode.AlreadyExists] = new(409, "already-exists", "The record already exists"),
        [ErrorCode.DeletedElsewhere] = new(409, "deleted-elsewhere", "The record was deleted elsewhere"),
        [ErrorCode.EditedElsewhere] = new(409, "edited-elsewhere", "The record was edited elsewhere"),
        [ErrorCode.AlreadyResolved] = new(409, "already-resolved", "The conflict was resolved before"),
        [ErrorCode.LastOwner] = new(409, "last-owner", "A space keeps at least one owner"),
        [ErrorCode.Gone] = new(410, "gone", "The record is deleted"),
        [ErrorCode.Purged] = new(410, "purged", "The data of the deleted record was purged"),
        [ErrorCode.OutcomeExpired] = new(410, "outcome-expired", "The outcome is past its retention"),
        [ErrorCode.ResyncRequired] = new(410, "resync-required", "The client has to pull from the start"),
        [ErrorCode.PreconditionFailed] = new(412, "precondition-failed", "The precondition does not hold"),
        [ErrorCode.PreconditionRequired] = new(428, "precondition-required", "A precondition is required"),
        [ErrorCode.TooLarge] = new(413, "too-large", "The request is over a published limit"),
        [ErrorCode.UnsupportedMediaType] = new(415, "unsupported-media-type", "The content type or coding is not supported"),
        [ErrorCode.Rejected] = new(422, "rejected", "A declared rule or limit refuses the op"),
        [ErrorCode.InvalidOperator] = new(422, "invalid-operator", "An intent operator is unknown or has a wrong operand"),
        [ErrorCode.DependencyFailed] = new(424, "dependency-failed", "An op that this one depends on is not applied"),
        [ErrorCode.BatchFailed] = new(424, "batch-failed", "Another op of the atomic batch failed"),
        [ErrorCode.TooManyRequests] = new(429, "too-many-requests", "Too many requests"),
        [ErrorCode.HeadersTooLarge] = new(431, "headers-too-large", "A header is too long"),
        [ErrorCode.Unavailable] = new(503, "unavailable", "The server cannot decide now"),
        [ErrorCode.Internal] = new(500, "internal", "Something went wrong on the server"),
    };

    /// <summary>The wire's view of <paramref name="code"/>; total over the enum.</summary>
    public static ErrorInfo Info(this ErrorCode code) => Infos[code];
}
