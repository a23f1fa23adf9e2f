using Npgsql;
using NpgsqlTypes;
using SyncServer.Core.Push;
using SyncServer.Core.Records;
using SyncServer.Core.Spaces;
using SyncServer.Storage;

namespace SyncServer.Pull;

/// <summary>What a page is asked for.</summary>
/// <param name="SpaceId">The space.</param>
/// <param name="Principal">Whose right to read is looked up in the page's own snapshot.</param>
/// <param name="After">The seq after which changes are wanted; null is the head (<c>cursor=now</c>).</param>
/// <param name="Floor">Tombstones up to this seq are left out; null is the head of the snapshot (a first pull).</param>
/// <param name="Entities">The filter; empty for none.</param>
internal sealed record PullRequest(Guid SpaceId, string Principal, long? After, long? Floor, IReadOnlyCollection<string> Entities)
{
    /// <summary>Changes on the page.</summary>
    public required int Limit { get; init; }

    /// <summary>Bytes of the page, which a single change may exceed.</summary>
    public required int BytesMax { get; init; }

    /// <summary>Whether checksums of the filter's entities are wanted, of the same snapshot.</summary>
    public bool Checksums { get; init; }
}

/// <summary>Where a space stands, and one page after a position, all from one snapshot.</summary>
internal sealed record PullPage(long Head, long Horizon, Role? Role, long? TagAtPosition) : IDisposable
{
    /// <summary>Whether more lies between the page and the head.</summary>
    public required bool HasMore { get; init; }

    /// <summary>Where the next page begins: the seq of the last change here, or the head where nothing more is to come.</summary>
    public required long Next { get; init; }

    /// <summary>The tag of the change at <see cref="Next"/>; 0 where there is none.</summary>
    public required long NextTag { get; init; }

    /// <summary>By entity; null where they were not asked for.</summary>
    public SortedDictionary<string, Checksum>? Checksums { get; init; }

    /// <summary>The changes in seq order.</summary>
    public required ChangesJson Changes { get; init; }

    /// <summary>The page that reaches so far.</summary>
    public static PullPage Of(PullReach reach, ChangesJson changes) => new(reach.Head, reach.Horizon, reach.Role, reach.TagAtPosition)
    {
        HasMore = reach.HasMore,
        Next = reach.Next,
        NextTag = reach.NextTag,
        Changes = changes,
    };

    /// <summary>Gives back what the changes are held in.</summary>
    public void Dispose() => Changes.Dispose();
}

/// <summary>A page is what one statement says: head, horizon, role, tags and changes come from one snapshot.</summary>
internal sealed class PullQuery(NpgsqlDataSource source)
{
    /// <summary>The page, or null where there is no such space. Who may not read it finds out by <see cref="PullPage.Role"/>.</summary>
    public async Task<PullPage?> ReadAsync(PullRequest request, CancellationToken cancellation)
    {
        var (page, isTooLong) = await ReadAsync(request, isCut: false, cancellation);
        return isTooLong ? (await ReadAsync(request, isCut: true, cancellation)).Page : page;
    }

    /// <summary>The page; or that the bytes of its changes are too many for a page that is not cut, which then is nothing.</summary>
    private async Task<(PullPage? Page, bool IsTooLong)> ReadAsync(PullRequest request, bool isCut, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(PullSql.Of(request.Entities.Count > 0, request.Checksums, isCut));
        AddParameters(command.Parameters, request);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
        {
            return (null, false);
        }

        var reach = PullReach.Read(row, PullSql.ReachAt);
        if (reach.IsTooLong)
        {
            return (null, true);
        }

        var checksums = request.Checksums ? new Figures(row.GetFieldValue<byte[]>(PullSql.FiguresAt)).Checksums(request.Entities) : null;
        var page = PullPage.Of(reach, new ChangesJson()) with { Checksums = checksums };
        await AddChangesAsync(page.Changes, row, reach.Length, cancellation);
        return (page, false);
    }

    private static async Task AddChangesAsync(ChangesJson changes, NpgsqlDataReader row, int length, CancellationToken cancellation)
    {
        while (changes.Count < length)
        {
            var some = Math.Min(ChangeArrays.Most, length - changes.Count);
            if (row.GetInt32(PullSql.FirstAt) != changes.Count + 1 || !changes.TryRead(row, PullSql.ChangesAt, some, long.MaxValue))
            {
                throw new InvalidOperationException("The rows of a pull came in another order than they were asked for, or a live record without data.");
            }

            if (changes.Count < length && !await row.ReadAsync(cancellation))
            {
                throw new InvalidOperationException("A page has fewer changes than were found for it.");
            }
        }
    }

    private static void AddParameters(NpgsqlParameterCollection parameters, PullRequest request)
    {
        parameters.Add(new NpgsqlParameter<Guid> { TypedValue = request.SpaceId });
        parameters.Add(new NpgsqlParameter<string> { TypedValue = request.Principal });
        // Beyond every head: after it there is nothing, and below it everything.
        parameters.Add(new NpgsqlParameter<long> { TypedValue = request.After ?? long.MaxValue });
        parameters.Add(new NpgsqlParameter<long> { TypedValue = request.Floor ?? long.MaxValue });
        parameters.Add(new NpgsqlParameter<int> { TypedValue = request.Limit });
        parameters.Add(new NpgsqlParameter<int> { TypedValue = request.BytesMax });
        if (request.Entities.Count > 0)
        {
            parameters.Add(new NpgsqlParameter { Value = request.Entities.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        }
    }
}
