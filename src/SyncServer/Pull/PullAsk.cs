using Microsoft.Extensions.Primitives;
using SyncServer.Core;
using SyncServer.Core.Pull;
using SyncServer.Http;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>A pull as the client asked for it; without a cursor it starts from the beginning, or at the head.</summary>
internal sealed record PullAsk(Cursor? Cursor, bool FromNow, IReadOnlyCollection<string> Entities, int Limit)
{
    /// <summary>The digest of the filter, as cursors carry it.</summary>
    public long Filter { get; } = Core.Pull.Cursor.DigestOf(Entities);

    /// <summary>The same ask from another position on.</summary>
    public PullAsk From(Cursor cursor) => this with { Cursor = cursor, FromNow = false };

    /// <summary>Whether the page with nothing behind it is to carry checksums.</summary>
    public bool Checksums { get; init; }

    /// <summary>The seq after which changes are wanted; null is the head.</summary>
    public long? After => Cursor is { } cursor ? cursor.Position : FromNow ? null : 0;

    /// <summary>Tombstones up to this seq are left out; null is the head of the snapshot.</summary>
    public long? Floor => Cursor is { } cursor ? cursor.Floor : null;
}

/// <summary>Reads a <see cref="PullAsk"/> from a request.</summary>
internal sealed class PullAsks(ServerIdentity identity, Limits limits)
{
    private const string Now = "now";

    /// <summary>The ask, with the cursor that the query carries, or why it is none.</summary>
    public Rejection? Read(IQueryCollection query, Guid spaceId, out PullAsk? ask) => Read(query, query["cursor"], spaceId, out ask);

    /// <summary>The same with a cursor from elsewhere.</summary>
    public Rejection? Read(IQueryCollection query, StringValues cursor, Guid spaceId, out PullAsk? ask)
    {
        ask = null;
        var rejection = Paging.Limit(query, limits.PullPageDefault, limits.PullPageMax, out var limit);
        var noFilter = EntityFilter.Read(query, out var entities);
        var noFlag = Checksums(query["checksums"], out var checksums);
        if ((rejection ??= noFilter ?? noFlag) is not null)
        {
            return rejection;
        }

        if (cursor.Count == 0 || (cursor.Count == 1 && cursor[0] == Now))
        {
            ask = new PullAsk(null, cursor.Count == 1, entities, limit) { Checksums = checksums };
            return null;
        }

        // A second cursor, an altered one and one of another space are the same mistake: not a cursor of this space.
        if (cursor.Count == 1 && Cursor.Decode(cursor[0]!, identity.CursorKey.Span) is { } known && known.SpaceId == spaceId)
        {
            ask = new PullAsk(known, false, entities, limit) { Checksums = checksums };
            return null;
        }

        return new Rejection(ErrorCode.InvalidCursor, "The cursor was not issued for this space.");
    }

    private static Rejection? Checksums(StringValues values, out bool wanted)
    {
        wanted = values is ["1"];
        return wanted || values is [] or ["0"] ? null : new Rejection(ErrorCode.InvalidRequest, "checksums is 0 or 1.");
    }
}
