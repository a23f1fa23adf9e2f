namespace SyncServer.Core;

/// <summary>One reason among several, at a place in the request's body.</summary>
/// <param name="Pointer">JSON Pointer (RFC 6901) into the body; empty for the whole of it.</param>
/// <param name="Detail">A sentence for the developer of the client.</param>
public sealed record FieldError(string Pointer, string Detail);

/// <summary>An expected refusal: a value, never an exception. It holds no payload and no token.</summary>
public sealed record Rejection(ErrorCode Code, string Detail)
{
    /// <summary>Where in the body, when that helps; empty otherwise.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];

    /// <summary>A refusal of one place in the body.</summary>
    public static Rejection At(string pointer, string detail, ErrorCode code = ErrorCode.InvalidRequest) =>
        new(code, detail) { Errors = [new FieldError(pointer, detail)] };
}
