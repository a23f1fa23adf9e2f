using Microsoft.Extensions.Primitives;
using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>One entity-tag (RFC 9110, 8.8.3). <paramref name="Opaque"/> has its quotes.</summary>
internal readonly record struct EntityTag(string Opaque, bool IsWeak);

/// <summary>The value of If-Match or If-None-Match (RFC 9110, 13.1): <c>*</c>, or a list that is not empty.</summary>
internal sealed class EntityTags
{
    private EntityTags(IReadOnlyList<EntityTag> tags) => Tags = tags;

    /// <summary>Empty for <c>*</c>.</summary>
    public IReadOnlyList<EntityTag> Tags { get; }

    public bool IsAny => Tags.Count == 0;

    /// <summary>Reads the header <paramref name="name"/>; null tags where it is absent, 400 where it is malformed.</summary>
    public static Rejection? Read(IHeaderDictionary headers, string name, out EntityTags? tags)
    {
        tags = null;
        if (!headers.TryGetValue(name, out var values))
        {
            return null;
        }

        tags = Parse(values);
        return tags is null
            ? new Rejection(ErrorCode.InvalidRequest, $"{name} is * or a list of entity-tags in double quotes.")
            : null;
    }

    /// <summary>
    /// Strong comparison, as If-Match and writes need it: <paramref name="current"/> is the whole ETag, null where
    /// there is no representation, which nothing matches.
    /// </summary>
    public bool Holds(string? current) =>
        current is not null && (IsAny || Tags.Any(tag => !tag.IsWeak && tag.Opaque == current));

    /// <summary>Weak comparison, as If-None-Match on a GET needs it; the tag of any coding of <paramref name="current"/> holds.</summary>
    public bool HoldsWeakly(string? current) => current is not null && (IsAny || Matching(current) is not null);

    /// <summary>The opaque part of the first tag that names <paramref name="current"/>, in whatever coding; null where none does.</summary>
    public string? Matching(string current)
    {
        var opaque = IsWeak(current) ? current[2..] : current;
        return Tags.FirstOrDefault(tag => CodedETag.Names(tag.Opaque, opaque)).Opaque;
    }

    /// <summary>Several header lines are one list (RFC 9110, 5.3).</summary>
    private static EntityTags? Parse(StringValues values)
    {
        var text = values.ToString().AsSpan();
        if (text.Trim(" \t") is "*")
        {
            return new EntityTags([]);
        }

        var tags = new List<EntityTag>();
        while ((text = text.TrimStart(" \t")).Length > 0)
        {
            // Empty elements of a list are ignored (RFC 9110, 5.6.1.2).
            if (text[0] == ',')
            {
                text = text[1..];
            }
            else if (TryReadTag(ref text, out var tag) && (text = text.TrimStart(" \t")) is [] or [',', ..])
            {
                tags.Add(tag);
            }
            else
            {
                return null;
            }
        }

        return tags.Count == 0 ? null : new EntityTags(tags);
    }

    private static bool TryReadTag(ref ReadOnlySpan<char> text, out EntityTag tag)
    {
        tag = default;
        var isWeak = IsWeak(text);
        text = text[(isWeak ? 2 : 0)..];
        var length = text.StartsWith('"') ? text[1..].IndexOf('"') : -1;
        if (length < 0 || text.Slice(1, length).ContainsAnyInRange('\0', ' ') || text.Slice(1, length).Contains('\x7f'))
        {
            return false;
        }

        tag = new EntityTag(text[..(length + 2)].ToString(), isWeak);
        text = text[(length + 2)..];
        return true;
    }

    private static bool IsWeak(ReadOnlySpan<char> tag) => tag.StartsWith("W/", StringComparison.Ordinal);
}
