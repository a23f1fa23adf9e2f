using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using static SyncServer.Storage.SpaceWrite;

namespace SyncServer.Storage;

/// <summary>
/// Writes ops that made records, in one statement: their three rows share most of their columns, and nearly all of what a statement costs
/// besides its rows is handing columns over and taking them apart. Plans that did anything else go the general way.
/// </summary>
internal static class MadeRows
{
    // Of data and answers. The statement keeps its rows in memory up to PostgreSQL's work_mem, by default four times as much, and then in a file.
    private const long BytesMax = 1024 * 1024;

    // What is the same of all of them is said here and not sent.
    private static readonly string Made = $"""
        WITH k AS MATERIALIZED (SELECT * FROM {Arrays.Rows("space_id, seq, entity, record_id, op_id, principal, device, n, at, tag, data, bytes, fingerprint, etag, location, body")}),
        made AS (
            INSERT INTO records (space_id, entity, record_id, rev, seq, deleted, data, data_bytes, updated_at, updated_by, op_id)
            SELECT space_id, entity, record_id, {MadeRecord.Rev}, seq, false, data, bytes, at, principal, op_id FROM k),
        logged AS (
            INSERT INTO changes (space_id, seq, entity, record_id, rev, kind, op_id, principal, device, n, at, tag, patch, bytes)
            SELECT space_id, seq, entity, record_id, {MadeRecord.Rev}, {(int)OpKind.Create}, op_id, principal, device, n, at, tag, data, bytes FROM k)
        INSERT INTO outcomes (space_id, principal, op_id, fingerprint, state, status, rev, etag, location, body, entity, decided_at)
        SELECT space_id, principal, op_id, fingerprint, {(int)MadeRecord.State}, {MadeRecord.Status}, {MadeRecord.Rev}, etag, location, body, entity, at FROM k
        """;

    /// <summary>The ops of those plans that made nothing but records, as far as they fit, and the other plans.</summary>
    public static (List<(SpacePlan Plan, MadeRecord Row)> Made, List<SpacePlan> Others) Of(IReadOnlyList<SpacePlan> plans)
    {
        var (made, others) = (new List<(SpacePlan, MadeRecord)>(plans.Count), new List<SpacePlan>());
        var room = BytesMax;
        foreach (var plan in plans)
        {
            if (MadeRecord.AllOf(plan) is { } rows && rows.Sum(static row => row.Bytes) is var bytes && bytes <= room)
            {
                room -= bytes;
                made.AddRange(rows.Select(row => (plan, row)));
            }
            else
            {
                others.Add(plan);
            }
        }

        return (made, others);
    }

    public static NpgsqlBatchCommand Command(List<(SpacePlan Plan, MadeRecord Row)> rows) => new NpgsqlBatchCommand(Made)
        .With(Column(rows, static (plan, _) => plan.SpaceId))
        .With(Column(rows, static (_, row) => row.Change.Seq))
        .With(Column(rows, static (_, row) => row.Change.Key.Entity))
        .With(Column(rows, static (_, row) => row.Change.Key.Id))
        .With(Column(rows, static (_, row) => row.Change.OpId))
        .With(Column(rows, static (_, row) => row.Change.Principal))
        .With(Column(rows, static (_, row) => row.Change.Device))
        .With(Column(rows, static (_, row) => row.Change.N))
        .With(Column(rows, static (_, row) => row.Change.At))
        .With(Column(rows, static (_, row) => row.Change.Tag))
        .WithJson(Column(rows, static (_, row) => (ReadOnlyMemory<byte>?)row.Data.Utf8))
        .With(Column(rows, static (_, row) => row.Data.Utf8.Length))
        .With(Column(rows, static (_, row) => row.Decided.Fingerprint))
        .With(Column(rows, static (_, row) => row.Decided.Outcome.ETag))
        .With(Column(rows, static (_, row) => row.Decided.Outcome.Location))
        .With(Column(rows, static (_, row) => row.Decided.Outcome.Body));
}
