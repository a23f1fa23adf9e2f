using SyncServer.Core;
using SyncServer.Core.Pull;
using SyncServer.Live;
using SyncServer.Spaces;

namespace SyncServer.Pull;

/// <summary>What all streams share.</summary>
internal sealed record StreamParts(WatchedPages Pages, PullBody Body, LiveEnd End, EventStreams Events);

/// <summary>
/// One open stream. It reads a page, waits until its reader has taken it, and reads the next: a slow reader costs one page
/// and misses nothing, since what was not read is still in the database. At rest it holds no page.
/// </summary>
internal sealed class ChangeStream(HttpContext context, StreamParts parts, PullAsk ask)
{
    /// <summary>
    /// The least time between two pages at the head. What is written within it shares a page, so that many writers in a
    /// space of many streams do not cost one page for each write and stream.
    /// </summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(20);

    private static readonly byte[] NoChanges = "[]"u8.ToArray();

    // An event has no paging members, and so no checksums either.
    private PullAsk _ask = ask with { Checksums = false };
    private Cursor? _told = ask.Cursor;
    private string _epoch = "";
    private EventStream? _events;

    private enum Next
    {
        Page,
        Rest,
        End,
    }

    public required SpaceCall Call { get; init; }

    public required Watch Watch { get; init; }

    /// <summary>Cancelled when the stream has to end, whatever happens in the space.</summary>
    public required CancellationToken Ended { get; init; }

    /// <summary>Returns when the stream has ended; with a rejection where it has not begun.</summary>
    public async Task<Rejection?> RunAsync()
    {
        try
        {
            while (true)
            {
                var (next, rejection) = await TellAsync();
                if (next == Next.Rest)
                {
                    await RestAsync();
                }

                if (next == Next.End || Ended.IsCancellationRequested)
                {
                    return rejection;
                }
            }
        }
        catch (OperationCanceledException) when (context.Response.HasStarted)
        {
            // It ended between two events, or was aborted within one. The reader comes back with the id of the last that it has.
            return null;
        }
    }

    /// <summary>Reads a page and sends it. Who may not read the space any more gets nothing, and the stream ends.</summary>
    private async Task<(Next Next, Rejection? Rejection)> TellAsync()
    {
        var pulled = await parts.Pages.ReadAsync(Watch, Call, _ask, Ended);
        if (pulled is Pulled.Refused refused)
        {
            return (Next.End, context.Response.HasStarted ? null : refused.Rejection);
        }

        if (_events is null)
        {
            _events = parts.Events.Open(context);
            if (HttpMethods.IsHead(context.Request.Method))
            {
                return (Next.End, null);
            }

            await _events.CommentAsync(Ended);
        }

        if (pulled is Pulled.Resync resync)
        {
            await _events.EventAsync("resync", id: null, [parts.Body.Resync(context, resync.Reason)], Ended);
            return (Next.End, null);
        }

        var found = (Pulled.Found)pulled;
        using var page = found.Page;
        _ask = _ask.From(found.Next);
        _epoch = found.Epoch;
        if (page.Changes.Count > 0 || _told is null)
        {
            await SendAsync(page.Changes.Json);
        }

        return (page.HasMore ? Next.Page : Next.Rest, null);
    }

    /// <summary>
    /// Returns when the space has moved, or the stream has to end. Meanwhile the reader gets signs of life; where the filter left
    /// out all that came, the sign is an event without changes, so that its cursor does not grow old.
    /// </summary>
    private async Task RestAsync()
    {
        await Task.Delay(Gathering, Ended);
        while (true)
        {
            if (_events!.SignDue == TimeSpan.Zero)
            {
                await (_told == _ask.Cursor ? _events.CommentAsync(Ended) : SendAsync(NoChanges));
            }

            if (Watch.HasMoved || Ended.IsCancellationRequested)
            {
                return;
            }

            await Watch.MovedAsync(_events.SignDue, Ended);
        }
    }

    private Task SendAsync(ReadOnlyMemory<byte> changes)
    {
        _told = _ask.Cursor;
        return _events!.EventAsync("changes", parts.Body.Token(_told!.Value), PullBody.Event(changes, _epoch), Ended);
    }
}
