using System.Buffers;
using System.Security.Cryptography;
using SyncServer.Core.Json;

namespace SyncServer.Core.Merge.Values;

/// <summary>
/// A CRDT field (protocol 4.2): <c>{ "updates": ["&lt;base64&gt;"] }</c>, a set of opaque updates in the order of their
/// arrival. Two texts of the same decoded bytes are one update. Every operation may be repeated, and what two of them
/// make does not depend on their order, but for the order of the list. A problem is a sentence for the client's developer.
/// </summary>
public static class CrdtUpdates
{
    private const string Member = "updates";

    // Convert skips white space, which the standard alphabet does not hold (RFC 4648, 3.1 and 4).
    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");

    /// <summary>The field with those of <paramref name="updates"/> that it does not hold; absent is the empty set.</summary>
    /// <param name="most">Updates in one field, published as a limit.</param>
    public static (JsonObject? Value, string? Problem) Append(JsonValue? value, IReadOnlyList<string> updates, int most)
    {
        var (held, problem) = Read(value);
        if (held is null || (problem = Problem(updates)) is not null)
        {
            return (null, problem);
        }

        return Bounded(value, held, [.. held, .. updates.Select(Update.Of)], most);
    }

    /// <summary>
    /// The field without the updates that <paramref name="replaces"/> names, present or not, and with
    /// <paramref name="snapshot"/>. A snapshot that names itself stays.
    /// </summary>
    /// <param name="replaces">SHA-256 in hex of the decoded bytes of each replaced update.</param>
    /// <param name="most">Updates in one field, published as a limit.</param>
    public static (JsonObject? Value, string? Problem) Compact(
        JsonValue? value, string snapshot, IReadOnlyList<string> replaces, int most)
    {
        var (held, problem) = Read(value);
        if (held is null || (problem = Problem([snapshot]) ?? HashProblem(replaces)) is not null)
        {
            return (null, problem);
        }

        var added = Update.Of(snapshot);
        var removed = replaces.Where(hash => !string.Equals(hash, added.Hash, StringComparison.OrdinalIgnoreCase))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return Bounded(value, held, [.. held.Where(update => !removed.Contains(update.Hash)), added], most);
    }

    /// <summary>Whether the value is one that every operation takes.</summary>
    public static bool IsField(JsonValue value) => Texts(value) is { } texts && Problem(texts) is null;

    /// <summary>What is wrong with a list of updates, null where each is base64.</summary>
    public static string? Problem(IReadOnlyList<string> updates)
    {
        for (var i = 0; i < updates.Count; i++)
        {
            if (!IsBase64(updates[i]))
            {
                return $"Update {i + 1} of {updates.Count} is not base64 of the standard alphabet with its padding (RFC 4648, 4).";
            }
        }

        return null;
    }

    /// <summary>What is wrong with a list of hashes, null where each is a SHA-256 in hex.</summary>
    public static string? HashProblem(IReadOnlyList<string> hashes)
    {
        for (var i = 0; i < hashes.Count; i++)
        {
            if (hashes[i].Length != 2 * SHA256.HashSizeInBytes || !hashes[i].All(char.IsAsciiHexDigit))
            {
                return $"Hash {i + 1} of {hashes.Count} is not a SHA-256 in {2 * SHA256.HashSizeInBytes} hex digits.";
            }
        }

        return null;
    }

    private static bool IsBase64(string text) =>
        !text.AsSpan().ContainsAnyExcept(Alphabet) && Convert.TryFromBase64String(text, new byte[text.Length], out _);

    private static (List<Update>? Updates, string? Problem) Read(JsonValue? value)
    {
        if (value is null)
        {
            return ([], null);
        }

        if (Texts(value) is not { } texts)
        {
            return (null, "The value is not a CRDT field, an object of one member updates, a list of base64 strings.");
        }

        return Problem(texts) is { } problem ? (null, problem) : (texts.ConvertAll(Update.Of), null);
    }

    private static List<string>? Texts(JsonValue value) =>
        value is JsonObject { Count: 1 } field && field[Member] is JsonArray list && list.Items.All(item => item is JsonString)
            ? [.. list.Items.Select(item => ((JsonString)item).Text)]
            : null;

    /// <summary>
    /// A field that would grow beyond the limit is refused; one that is beyond it, because the limit was lowered, can
    /// still be compacted. Where nothing changes, the value is the one that was there.
    /// </summary>
    private static (JsonObject? Value, string? Problem) Bounded(JsonValue? value, List<Update> before, IEnumerable<Update> updates, int most)
    {
        var after = updates.DistinctBy(update => update.Hash).ToList();
        if (after.Count > most && after.Count > before.Count)
        {
            return (null, $"The field would hold {after.Count} updates, and at most {most} are allowed: compact it first.");
        }

        return value is JsonObject same && after.SequenceEqual(before)
            ? (same, null)
            : (JsonObject.Of((Member, new JsonArray([.. after.Select(update => new JsonString(update.Text))]))), null);
    }

    private readonly record struct Update(string Text, string Hash)
    {
        /// <summary>The update of a text that is base64.</summary>
        public static Update Of(string text) => new(text, Convert.ToHexString(SHA256.HashData(Convert.FromBase64String(text))));
    }
}
