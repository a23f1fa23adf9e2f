using SyncServer.Core;
using SyncServer.Core.Pull;
using SyncServer.Core.Spaces;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>What a pull came to: a page with the cursor behind it, or why there is none.</summary>
internal abstract record Pulled
{
    private Pulled()
    {
    }

    /// <summary>A page. <paramref name="Next"/> stands behind its last change, or at the head where nothing more is to come.</summary>
    internal sealed record Found(PullPage Page, Cursor Next) : Pulled;

    /// <summary>The caller may not read the space, or there is none.</summary>
    internal sealed record Refused(Rejection Rejection) : Pulled;

    /// <summary>The cursor does not hold any more.</summary>
    internal sealed record Resync(ResyncReason Reason) : Pulled;
}

/// <summary>Reads pages and judges role and cursor by the page's own snapshot.</summary>
internal sealed class PullPages(PullQuery query, ServerIdentity identity, Limits limits)
{
    private readonly long _epoch = Cursor.DigestOf(identity.Epoch);

    public async Task<Pulled> ReadAsync(SpaceCall call, PullAsk ask, CancellationToken cancellation)
    {
        var request = new PullRequest(call.SpaceId, call.Principal, ask.After, ask.Floor, ask.Entities)
        {
            Limit = ask.Limit,
            BytesMax = limits.PullBytesMax,
        };
        var page = await query.ReadAsync(request, cancellation);
        if (Access.Refuses(page?.Role, Role.Reader) is { } refused)
        {
            return new Pulled.Refused(refused);
        }

        var view = new PullView(_epoch, page!.Head, page.Horizon, page.TagAtPosition, ask.Filter);
        return ask.Cursor is { } cursor && Resync.Check(cursor, view) is { } reason
            ? new Pulled.Resync(reason)
            : new Pulled.Found(page, Next(call.SpaceId, ask, page));
    }

    private Cursor Next(Guid spaceId, PullAsk ask, PullPage page) => page.HasMore
        ? new Cursor(spaceId, _epoch, page.Changes[^1].Seq, page.LastTag, ask.Cursor?.Floor ?? page.Head, ask.Filter)
        : new Cursor(spaceId, _epoch, page.Head, page.HeadTag, 0, ask.Filter);
}
