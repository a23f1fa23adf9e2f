using System.Globalization;
using System.Text.Json;
using SyncServer.Core;
using SyncServer.Core.Pull;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Spaces;
using SyncServer.Storage;

namespace SyncServer.Checksums;

/// <summary><c>GET sync/checksums</c> (protocol 5).</summary>
internal sealed class ChecksumsEndpoint(SpaceCalls calls, Scans scans, ServerIdentity identity)
{
    /// <summary>Maps the route under <c>/v1/spaces/{space}</c>.</summary>
    public static void Map(IEndpointRouteBuilder space) =>
        space.MapRead("/sync/checksums", (HttpContext context, string space, ChecksumsEndpoint endpoint) =>
            endpoint.ReadAsync(context, space).OrProblemAsync(context)).WithName("getChecksums");

    /// <summary>Without entities counts and sums of all; with entities their buckets too; with a bucket what is in it.</summary>
    private sealed record Ask(IReadOnlyCollection<string> Entities, byte? Bucket, EntityTags? Known);

    private async Task<Rejection?> ReadAsync(HttpContext context, string space)
    {
        if (Read(context.Request, out var ask) is { } malformed)
        {
            return malformed;
        }

        var (call, unknown) = await calls.ReadAsync(context, space);
        if (unknown is not null)
        {
            return unknown;
        }

        // The state of a space decides every answer under one address; the space behind "me" may become another.
        var history = identity.Current;
        string ETagOf(long head) => $"\"{history.Epoch[..8]}-{call.SpaceId:n}-{head}\"";
        var (found, busy) = await scans.ReadAsync(new ChecksumsAsk(call!.SpaceId, call.Principal, ask.Entities)
        {
            Bucket = ask.Bucket,
            IsKnown = head => ask.Known?.HoldsWeakly(ETagOf(head)) == true,
        }, context.RequestAborted);
        if ((busy ?? Access.Refuses(found?.Role, Role.Reader)) is { } refused)
        {
            return refused;
        }

        var etag = context.Response.Headers.ETag = ETagOf(found!.Head);
        if (ask.Known?.HoldsWeakly(etag) == true)
        {
            JsonResponse.NotModified(context.Response);
            return null;
        }

        var cursor = new Cursor(call.SpaceId, history.EpochDigest, found.Head, found.HeadTag, Floor: 0, Filter: 0).Encode(history.CursorKey.Span);
        await JsonResponse.WriteAsync(context, writer => Write(writer, cursor, found, ask.Bucket));
        return null;
    }

    private static Rejection? Read(HttpRequest request, out Ask ask)
    {
        var noFilter = EntityFilter.Read(request.Query, out var entities);
        var noTags = EntityTags.Read(request.Headers, "If-None-Match", out var known);
        var noBucket = Bucket(request.Query, out var bucket);
        ask = new Ask([.. entities.Distinct(StringComparer.Ordinal)], bucket, known);
        return noFilter ?? noBucket ?? noTags ?? (bucket is not null && entities.Count == 0
            ? new Rejection(ErrorCode.InvalidRequest, "bucket is one of an entity: it needs the entity parameter.")
            : null);
    }

    private static Rejection? Bucket(IQueryCollection parameters, out byte? bucket)
    {
        bucket = null;
        if (!parameters.TryGetValue("bucket", out var values))
        {
            return null;
        }

        var isHex = values is [{ Length: 2 } hex] && hex.All(char.IsAsciiHexDigitLower);
        bucket = isHex ? byte.Parse(values[0]!, NumberStyles.HexNumber, CultureInfo.InvariantCulture) : null;
        return isHex ? null : new Rejection(ErrorCode.InvalidRequest, "bucket is one byte as two lower-case hex digits.");
    }

    private static void Write(Utf8JsonWriter writer, string cursor, SpaceChecksums found, byte? bucket)
    {
        writer.WriteStartObject();
        writer.WriteString("cursor", cursor);
        writer.WriteStartObject("entities");
        foreach (var (entity, checksum) in found.ByEntity)
        {
            writer.WriteStartObject(entity);
            checksum.WriteMembers(writer);
            if (found.Buckets.TryGetValue(entity, out var buckets))
            {
                WriteBuckets(writer, buckets, withRecords: bucket is not null);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteBuckets(Utf8JsonWriter writer, EntityBuckets buckets, bool withRecords)
    {
        writer.WriteStartObject("buckets");
        foreach (var (bucket, checksum) in buckets.Filled)
        {
            writer.WriteStartObject(bucket.ToString("x2", CultureInfo.InvariantCulture));
            checksum.WriteMembers(writer);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        if (!withRecords)
        {
            return;
        }

        writer.WriteStartArray("records");
        foreach (var (id, rev) in buckets.Records)
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteNumber("rev", rev);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
