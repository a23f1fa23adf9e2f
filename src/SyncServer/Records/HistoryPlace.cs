using System.Globalization;
using SyncServer.Core;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;
using SyncServer.Http;

namespace SyncServer.Records;

/// <summary>
/// The entry of a history before which a page ends: a change, known by its revision alone, or one of the ops that changed
/// nothing and met that revision, which come before it.
/// </summary>
internal sealed record HistoryPlace(long Rev)
{
    /// <summary>When the op that changed nothing was decided; the epoch of Unix, before all of them, of a change.</summary>
    public DateTimeOffset At { get; private init; } = DateTimeOffset.UnixEpoch;

    /// <summary>The op that changed nothing; empty of a change.</summary>
    public string OpId { get; private init; } = "";

    /// <summary>Whose op it was.</summary>
    public string Principal { get; private init; } = "";

    /// <summary>Changes of lower revisions come behind it.</summary>
    public long ChangesBelow => OpId.Length == 0 ? Rev : Rev + 1;

    /// <summary>The cursor behind the last entry of a page: of a change its revision, as <c>before</c> takes it.</summary>
    public static string CursorOf(Change last) => last.IsUnchanged
        ? PageCursor.Encode(string.Create(CultureInfo.InvariantCulture, $"{last.Rev}\n{last.At.ToUnixTimeMilliseconds()}\n{last.OpId}\n{last.Principal}"))
        : last.Rev.ToString(CultureInfo.InvariantCulture);

    /// <summary>Where the query says that the page begins; it says so once, or not at all.</summary>
    public static Rejection? Read(IQueryCollection query, out HistoryPlace place)
    {
        place = new HistoryPlace(long.MaxValue);
        var (revisions, cursors) = (query["before"], query["cursor"]);
        if (revisions.Count + cursors.Count == 0)
        {
            return null;
        }

        var text = revisions.Count > 0 ? revisions : cursors;
        if (revisions.Count + cursors.Count == 1 && WholeNumber.TryParse(text[0], out var rev) && rev > 0)
        {
            place = new HistoryPlace(rev);
            return null;
        }

        if (revisions.Count > 0)
        {
            return cursors.Count > 0
                ? new Rejection(ErrorCode.InvalidCursor, "The cursor was not issued for this list, or stands beside before.")
                : new Rejection(ErrorCode.InvalidRequest, "before is one revision, a whole number from 1.");
        }

        HistoryPlace? within = null;
        var refused = PageCursor.Read(query, key => (within = OfUnchanged(key)) is not null, out _);
        place = within ?? place;
        return refused;
    }

    private static HistoryPlace? OfUnchanged(string key) =>
        key.Split('\n', 4) is [var rev, var at, var opId, var principal]
        && WholeNumber.TryParse(rev, out var number) && number is > 0 and <= Limits.MaxSafeInteger
        && WholeNumber.TryParse(at, out var milliseconds) && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        && RecordKey.IsOpId(opId)
            ? new HistoryPlace(number) { At = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), OpId = opId, Principal = principal }
            : null;
}
