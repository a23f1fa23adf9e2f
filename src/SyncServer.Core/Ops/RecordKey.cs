using System.Buffers;

namespace SyncServer.Core.Ops;

/// <summary>The identity of a record inside its space.</summary>
public readonly record struct RecordKey(string Entity, string Id)
{
    /// <summary>The entity of parked conflicts.</summary>
    public const string ConflictEntity = "$conflict";

    /// <summary>The entity of memberships of shared spaces.</summary>
    public const string MemberEntity = "$member";

    private const string LettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly SearchValues<char> OfEntities = SearchValues.Create(LettersAndDigits + "_-");
    private static readonly SearchValues<char> OfIds = SearchValues.Create(LettersAndDigits + "._:~-");

    /// <summary>Whether the record is one that only the server writes.</summary>
    public bool IsServers => Entity.StartsWith('$');

    /// <summary>Whether <paramref name="name"/> is <c>[A-Za-z][A-Za-z0-9_-]{0,63}</c>.</summary>
    public static bool IsEntity(string name) =>
        name.Length is >= 1 and <= Limits.EntityLength
        && char.IsAsciiLetter(name[0])
        && !name.AsSpan().ContainsAnyExcept(OfEntities);

    /// <summary>Whether <paramref name="name"/> may stand in a filter or a read: an app's entity or one of the server's own.</summary>
    public static bool IsReadableEntity(string name) => name is ConflictEntity or MemberEntity || IsEntity(name);

    /// <summary>Whether <paramref name="id"/> is 1 to 128 of <c>A-Z a-z 0-9 . _ : ~ -</c> and no dot segment of a path.</summary>
    public static bool IsId(string id) =>
        id.Length is >= 1 and <= Limits.RecordIdLength
        && id is not ("." or "..")
        && !id.AsSpan().ContainsAnyExcept(OfIds);

    /// <summary>Whether <paramref name="key"/> is 1 to 255 printable ASCII characters, as an opId and an Idempotency-Key are.</summary>
    public static bool IsOpId(string key) =>
        key.Length is >= 1 and <= Limits.KeyLength && !key.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
