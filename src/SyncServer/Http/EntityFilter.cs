using SyncServer.Core;
using SyncServer.Core.Ops;

namespace SyncServer.Http;

/// <summary>The <c>entity</c> parameters of pulls and lists: only what concerns these entities; none is all.</summary>
internal static class EntityFilter
{
    public static Rejection? Read(IQueryCollection query, out IReadOnlyCollection<string> entities)
    {
        entities = [.. query["entity"].Select(entity => entity ?? "")];
        return entities.Count > Limits.FilterEntities
            ? new Rejection(ErrorCode.InvalidRequest, $"A filter has at most {Limits.FilterEntities} entities.")
            : entities.All(RecordKey.IsReadableEntity)
                ? null
                : new Rejection(ErrorCode.InvalidRequest, "entity is the name of an entity.");
    }
}
