using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Http;

namespace SyncServer.Push;

/// <summary>If-Match and If-None-Match of writes, from header syntax to revisions.</summary>
internal static class WritePreconditions
{
    /// <summary>Of <c>POST sync/ops</c>: one strong ETag or nothing; the op is then strict.</summary>
    public static Rejection? OfOp(IHeaderDictionary headers, out Precondition? precondition)
    {
        precondition = null;
        if (EntityTags.Read(headers, "If-Match", out var tags) is { } malformed)
        {
            return malformed;
        }

        precondition = tags is null ? null : IfMatch(tags);
        return null;
    }

    /// <summary>
    /// Of <c>PUT</c>, <c>PATCH</c> and <c>DELETE</c>: exactly one of <c>If-Match</c> and <c>If-None-Match: *</c>; 428 where
    /// there is neither and 400 where there are both.
    /// </summary>
    public static Rejection? OfRecord(IHeaderDictionary headers, out Precondition? precondition)
    {
        precondition = null;
        if ((EntityTags.Read(headers, "If-Match", out var match) ?? EntityTags.Read(headers, "If-None-Match", out var noneMatch)) is { } malformed)
        {
            return malformed;
        }

        _ = EntityTags.Read(headers, "If-None-Match", out noneMatch);
        switch (match, noneMatch)
        {
            case (null, null):
                return new Rejection(ErrorCode.PreconditionRequired, "A write needs If-Match, or If-None-Match: * for a new record.");
            case (not null, not null):
                return new Rejection(ErrorCode.InvalidRequest, "A write has one precondition: If-Match or If-None-Match.");
            case (null, { IsAny: false }):
                return new Rejection(ErrorCode.InvalidRequest, "If-None-Match of a write is *.");
            case (null, _):
                precondition = Precondition.NotExists;
                return null;
            default:
                precondition = IfMatch(match);
                return null;
        }
    }

    /// <summary>Strong comparison: weak tags and tags of another form match nothing (RFC 9110, 13.1.1).</summary>
    private static Precondition IfMatch(EntityTags tags) => new(MustExist: true, tags.IsAny ? null :
        [.. tags.Tags.Where(tag => !tag.IsWeak).Select(tag => RecordETag.TryParse(tag.Opaque, out var rev) ? rev : 0).Where(rev => rev > 0)]);
}
