using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>Numbers in headers and queries: ASCII digits and nothing else.</summary>
internal static class WholeNumber
{
    /// <summary>False for anything but digits. Larger values than any limit here stand as <see cref="long.MaxValue"/>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        if (!long.TryParse(text, out value))
        {
            value = long.MaxValue;
        }

        return true;
    }

    /// <summary>As <see cref="TryParse"/>, and within what every JSON reader keeps exactly.</summary>
    public static bool TryParseSafe(ReadOnlySpan<char> text, out long value) =>
        TryParse(text, out value) && value <= Limits.MaxSafeInteger;
}
