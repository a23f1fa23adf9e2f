using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;

namespace SyncServer.Core.Spaces;

/// <summary>A membership as the feed of its space carries it: a record of <c>$member</c>, of removed members a tombstone.</summary>
public static class Membership
{
    private const char Hashed = '~';

    /// <summary>
    /// The record of a principal: its id is the principal where that is a record id, otherwise <c>~</c> and the base64url of
    /// its SHA-256. A principal that begins with <c>~</c> is hashed too, so two principals never share a record.
    /// </summary>
    public static RecordKey KeyOf(string principal) => new(RecordKey.MemberEntity,
        RecordKey.IsId(principal) && principal[0] != Hashed
            ? principal
            : Hashed + Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(principal))));

    /// <summary>Writes the membership into the feed; one without a role is removed.</summary>
    public static void Write(SpacePlan plan, Author author, string requestKey, Member member)
    {
        var key = KeyOf(member.Principal);
        var before = plan.Find(key);
        var data = member.Role is { } role ? new RecordData(DataOf(member.Principal, role)) : before?.Data;
        var kind = (before, member.Role) switch
        {
            (_, null) => OpKind.Delete,
            (null, _) => OpKind.Create,
            ({ Deleted: true }, _) => OpKind.Restore,
            _ => OpKind.Update,
        };
        plan.Write(author, new Op { OpId = requestKey, Key = key, Kind = kind, Fingerprint = default, Replaces = true }, kind, data);
    }

    /// <summary>The body of answers about a member and the data of its record.</summary>
    public static JsonObject DataOf(string principal, Role role) =>
        JsonObject.Of(("principal", new JsonString(principal)), ("role", new JsonString(role.Name())));
}

/// <summary>A principal and its role in a space; without one it is no member.</summary>
public readonly record struct Member(string Principal, Role? Role);
