using SyncServer.Core;
using SyncServer.Core.Ops;

namespace SyncServer.Records;

/// <summary>The <c>{entity}</c> and <c>{id}</c> of a route.</summary>
internal static class RecordAddress
{
    private const string EntityForm = "The entity is a letter and up to 63 letters, digits, _ or -";

    /// <summary>The answer about an id without a record, not even a deleted one.</summary>
    public static readonly Rejection NeverExisted = new(ErrorCode.RecordNotFound, "No record with this id has ever existed here.");

    /// <summary>The record that a read is about; the server's own entities can be read like any other.</summary>
    public static Rejection? ForRead(string entity, string id, out RecordKey key)
    {
        key = new RecordKey(entity, id);
        return CheckEntity(entity) ?? CheckId(id);
    }

    /// <summary>The record that a write is about: the names of the server's own entities are malformed here.</summary>
    public static Rejection? ForWrite(string entity, string id, out RecordKey key)
    {
        key = new RecordKey(entity, id);
        return RecordKey.IsEntity(entity)
            ? CheckId(id)
            : new Rejection(ErrorCode.InvalidRequest, $"{EntityForm}; names that begin with $ are the server's own to write.");
    }

    /// <summary>The entity of a list.</summary>
    public static Rejection? CheckEntity(string entity) => RecordKey.IsReadableEntity(entity)
        ? null
        : new Rejection(ErrorCode.InvalidRequest, $"{EntityForm}.");

    private static Rejection? CheckId(string id) => RecordKey.IsId(id)
        ? null
        : new Rejection(ErrorCode.InvalidRequest, "The id is 1 to 128 of A-Z a-z 0-9 . _ : ~ -, and neither one dot nor two.");
}
