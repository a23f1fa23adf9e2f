using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>What lists and pulls read from their query and headers.</summary>
internal static class Paging
{
    /// <summary>The <c>limit</c> parameter, clamped to <paramref name="most"/>; <paramref name="fallback"/> where it is absent.</summary>
    public static Rejection? Limit(IQueryCollection query, int fallback, int most, out int limit)
    {
        limit = Math.Min(fallback, most);
        if (!query.TryGetValue("limit", out var values))
        {
            return null;
        }

        if (values.Count != 1 || !WholeNumber.TryParse(values[0], out var parsed) || parsed < 1)
        {
            return new Rejection(ErrorCode.InvalidRequest, "limit is one whole number from 1.");
        }

        limit = (int)Math.Min(parsed, most);
        return null;
    }

    /// <summary>
    /// Seconds that <c>Prefer: wait=n</c> (RFC 7240, 4.3) asks for, at most <paramref name="most"/>; 0 where it is
    /// absent or malformed. Of several the first counts.
    /// </summary>
    public static int WaitSeconds(IHeaderDictionary headers, int most)
    {
        foreach (var preference in Split(string.Join(',', headers["Prefer"].AsEnumerable())))
        {
            var wait = preference.Split(';')[0];
            var equals = wait.IndexOf('=');
            if (equals >= 0 && wait.AsSpan(0, equals).Trim().Equals("wait", StringComparison.OrdinalIgnoreCase))
            {
                var value = wait.AsSpan(equals + 1).Trim();
                value = value is ['"', .., '"'] ? value[1..^1] : value;
                return WholeNumber.TryParse(value, out var seconds) ? (int)Math.Min(seconds, most) : 0;
            }
        }

        return 0;
    }

    /// <summary>Splits a list at its commas, leaving those in quoted strings alone.</summary>
    private static IEnumerable<string> Split(string list)
    {
        var start = 0;
        var quoted = false;
        for (var i = 0; i < list.Length; i++)
        {
            if (list[i] == '"')
            {
                quoted = !quoted;
            }
            else if (quoted && list[i] == '\\')
            {
                i++;
            }
            else if (!quoted && list[i] == ',')
            {
                yield return list[start..i];
                start = i + 1;
            }
        }

        yield return list[start..];
    }
}
