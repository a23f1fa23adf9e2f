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

    /// <summary>
    /// A page of <paramref name="Epoch"/>. <paramref name="Next"/> stands behind its last change, or at the head where
    /// nothing more is to come.
    /// </summary>
    internal sealed record Found(PullPage Page, Cursor Next, string Epoch) : Pulled
    {
        /// <summary>Nothing is on it and nothing behind it.</summary>
        public bool IsEmpty => Page.Changes.Count == 0 && !Page.HasMore;
    }

    /// <summary>The caller may not read the space, there is none, or it cannot be read now.</summary>
    internal sealed record Refused(Rejection Rejection) : Pulled;

    /// <summary>The cursor does not hold any more. Where that proves a restore, a new epoch has begun.</summary>
    internal sealed record Resync(ResyncReason Reason) : Pulled;
}

/// <summary>Reads pages and judges role and cursor by the page's own snapshot.</summary>
internal sealed class PullPages(PullQueue queue, ServerIdentity identity, EpochProof proof, Limits limits)
{
    // A device that was told to begin again would do so for nothing, and perhaps from the same page.
    private static readonly Rejection Behind = new(
        ErrorCode.Unavailable, "The page was read from a copy of the database that lags behind. Ask again with the same cursor.");

    public async Task<Pulled> ReadAsync(SpaceCall call, PullAsk ask, CancellationToken cancellation)
    {
        // Taken before the page is read, so that a page never names an epoch that began after it.
        var history = identity.Current;
        var request = new PullRequest(call.SpaceId, call.Principal, ask.After, ask.Floor, ask.Entities)
        {
            Limit = ask.Limit,
            BytesMax = limits.PullBytesMax,
            Checksums = ask.Checksums,
        };
        var page = await queue.ReadAsync(request, cancellation);
        if (Access.Refuses(page?.Role, Role.Reader) is { } refused)
        {
            page?.Dispose();
            return new Pulled.Refused(refused);
        }

        var view = new PullView(history.EpochDigest, page!.Head, page.Horizon, page.TagAtPosition, ask.Filter);
        if (ask.Cursor is { } cursor && Resync.Check(cursor, view) is { } reason)
        {
            page.Dispose();
            if (reason == ResyncReason.Ahead && !await proof.TakeAsync(cursor, history, cancellation))
            {
                return new Pulled.Refused(Behind);
            }

            return new Pulled.Resync(reason);
        }

        return new Pulled.Found(page, Next(new Cursor(call.SpaceId, history.EpochDigest, 0, 0, 0, ask.Filter), ask, page), history.Epoch);
    }

    private static Cursor Next(Cursor start, PullAsk ask, PullPage page) =>
        start with { Position = page.Next, Tag = page.NextTag, Floor = page.HasMore ? ask.Cursor?.Floor ?? page.Head : 0 };
}
