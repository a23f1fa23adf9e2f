using System.Data;
using Npgsql;
using SyncServer.Core.Ops;
using SyncServer.Core.Push;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Checksums;

/// <summary>Which checksums are asked for.</summary>
/// <param name="SpaceId">The space.</param>
/// <param name="Principal">Whose right to read is looked up in the same snapshot.</param>
/// <param name="Entities">Each once; empty for all, of which no buckets are made.</param>
internal sealed record ChecksumsAsk(Guid SpaceId, string Principal, IReadOnlyCollection<string> Entities)
{
    /// <summary>The only bucket that is wanted, with its records; null for all, without.</summary>
    public required byte? Bucket { get; init; }

    /// <summary>Whether the caller has the answer that belongs to a head; then no bucket is read.</summary>
    public required Func<long, bool> IsKnown { get; init; }
}

/// <summary>Where a space stands, and what is live in it, all from one snapshot.</summary>
internal sealed record SpaceChecksums(Role Role, long Head, long HeadTag)
{
    /// <summary>Of the entities that were asked for, whether they have live records or not; of all that have some where none was.</summary>
    public required SortedDictionary<string, Checksum> ByEntity { get; init; }

    /// <summary>Of the entities that were asked for.</summary>
    public Dictionary<string, EntityBuckets> Buckets { get; } = new(StringComparer.Ordinal);
}

/// <summary>What is live of one entity, by the buckets of the ids.</summary>
internal sealed class EntityBuckets
{
    private const int Buckets = 256;

    private readonly Checksum[] _buckets = new Checksum[Buckets];

    /// <summary>The records of the bucket that was asked for, in the order of their ids.</summary>
    public SortedDictionary<string, long> Records { get; } = new(StringComparer.Ordinal);

    /// <summary>Those with a record in them.</summary>
    public IEnumerable<(byte Bucket, Checksum Checksum)> Filled =>
        _buckets.Select((checksum, bucket) => ((byte)bucket, checksum)).Where(filled => filled.checksum.Count > 0);

    /// <summary>Counts a record, where its bucket is <paramref name="only"/> or that is null.</summary>
    public void Add(RecordKey key, long rev, byte? only)
    {
        var bucket = Checksum.BucketOf(key.Id);
        if (only is null || only == bucket)
        {
            _buckets[bucket] += Checksum.Of(key, rev);
        }

        if (only == bucket)
        {
            Records.Add(key.Id, rev);
        }
    }
}

/// <summary>
/// Reads checksums on one connection whose transaction is one snapshot. Those of entities are kept by every write; buckets
/// are added up here, because an index of them would cost every push more than a scan of the entity costs the few who look
/// for a difference; and not in the database, whose SHA-256 by way of text takes longer than reading the rows.
/// </summary>
internal sealed class ChecksumsQuery(NpgsqlDataSource source)
{
    private const string Space = """
        SELECT m.role, s.head, (SELECT tag FROM changes WHERE space_id = $1 AND seq = s.head), s.figures
        FROM members m
        JOIN spaces s ON s.space_id = $1
        WHERE m.space_id = $1 AND m.principal = $2
        """;

    // Without an order: sorting a large entity would take longer than adding it up.
    private const string Live = "SELECT record_id, rev FROM records WHERE space_id = $1 AND entity = $2 AND NOT deleted";

    /// <summary>The checksums, or null where there is no such space for the caller.</summary>
    public async Task<SpaceChecksums?> ReadAsync(ChecksumsAsk ask, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        var found = await SpaceAsync(connection, ask, cancellation);
        if (found is null || ask.IsKnown(found.Head))
        {
            return found;
        }

        foreach (var entity in ask.Entities)
        {
            found.Buckets[entity] = await BucketsAsync(connection, ask, entity, cancellation);
        }

        return found;
    }

    private static async Task<SpaceChecksums?> SpaceAsync(NpgsqlConnection connection, ChecksumsAsk ask, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Space, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = ask.SpaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = ask.Principal });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? new SpaceChecksums((Role)reader.GetInt16(0), reader.GetInt64(1), reader.Number(2) ?? 0)
            {
                ByEntity = new Figures(reader.GetFieldValue<byte[]>(3)).Checksums(ask.Entities),
            }
            : null;
    }

    private static async Task<EntityBuckets> BucketsAsync(
        NpgsqlConnection connection, ChecksumsAsk ask, string entity, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(Live, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = ask.SpaceId });
        command.Parameters.Add(new NpgsqlParameter { Value = entity });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var buckets = new EntityBuckets();
        while (await reader.ReadAsync(cancellation))
        {
            buckets.Add(new RecordKey(entity, reader.GetString(0)), reader.GetInt64(1), ask.Bucket);
        }

        return buckets;
    }
}
