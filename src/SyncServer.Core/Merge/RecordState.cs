using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Records;

namespace SyncServer.Core.Merge;

/// <summary>What a device or the server holds of a record: its data and whether it is deleted. Before its create: absent.</summary>
public readonly record struct RecordState(JsonObject? Data, bool Deleted)
{
    /// <summary>Before the record's create.</summary>
    public static readonly RecordState Absent = new(null, false);

    /// <summary>What the server holds.</summary>
    public static RecordState Of(SyncRecord record) => new(record.Data?.Value, record.Deleted);

    /// <summary>The state before <paramref name="change"/>.</summary>
    public RecordState Undo(Change change)
    {
        if (change.IsUnchanged)
        {
            return this;
        }

        var data = change.Before is null ? Data : MergePatch.Apply(Data, change.Before);
        return change.Kind switch
        {
            OpKind.Create => Absent,
            OpKind.Delete => new RecordState(data, Deleted: false),
            OpKind.Restore => new RecordState(data, Deleted: true),
            _ => new RecordState(data, Deleted),
        };
    }

    /// <summary>The state after an op of this kind with this edit of the data, as a device sees it that holds no other.</summary>
    public RecordState With(OpKind kind, Func<JsonObject?, JsonObject> edit) => kind switch
    {
        OpKind.Create => new RecordState(edit(null), Deleted: false),
        OpKind.Delete => this with { Deleted = true },
        OpKind.Restore => new RecordState(edit(Data), Deleted: false),
        _ => this with { Data = edit(Data) },
    };
}
