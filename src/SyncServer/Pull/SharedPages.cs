using Npgsql;

namespace SyncServer.Pull;

/// <summary>
/// Reads the pages of many pulls by one statement, from one snapshot. What is done for each pull is bounded by its positions, its changes and
/// its bytes, so that all of them together take milliseconds.
/// </summary>
internal sealed class SharedPages(NpgsqlDataSource source)
{
    /// <summary>Changes on a shared page: what devices ask for at once by default, and somewhat more.</summary>
    public const int Changes = 128;

    /// <summary>
    /// Positions behind a pull's own that are looked at. A filter, and a first pull with its tombstones, may pass over any number of
    /// records before it finds one; this many take less than a millisecond.
    /// </summary>
    public const int Positions = 1024;

    /// <summary>Bytes of data that one statement may carry; each change of each pull has its share, so none has to be added up.</summary>
    private const int Bytes = 16 * 1024 * 1024;

    /// <summary>Whether it is worth trying: a first pull that asks for more changes than go on a shared page mostly finds them.</summary>
    public static bool MayTake(PullRequest request) => !request.Checksums && (request.Limit <= Changes || request.Floor == 0);

    /// <summary>Gives each pull its page, if that fits. Where it fails, any of them may hold a part of one, which is for the caller to drop.</summary>
    public async Task ReadAsync(IReadOnlyList<PendingPull> pulls)
    {
        await using var command = source.CreateCommand(SharedSql.Pages);
        AddArray(command, pulls, static (pull, _) => pull.Request.SpaceId);
        AddArray(command, pulls, static (pull, _) => pull.Request.Principal);
        AddArray(command, pulls, static (pull, _) => pull.Position);
        AddArray(command, pulls, static (pull, _) => pull.Request.Floor ?? long.MaxValue);
        AddArray(command, pulls, static (pull, _) => pull.Length);
        AddArray(command, pulls, static (pull, _) => pull.Request.Entities.Count > 0 ? string.Join(',', pull.Request.Entities) : null);
        AddArray(command, pulls, static (_, place) => place);
        // So that changes which bring their data make no page that is larger than its share of the statement, or than an answer may be, which
        // is the same for all pulls of a server.
        var pageBytes = Math.Min(pulls[0].Request.BytesMax, Bytes / pulls.Count);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = pageBytes / (Changes + 1) });
        await using (var row = await command.ExecuteReaderAsync())
        {
            while (await row.ReadAsync())
            {
                pulls[row.GetInt32(SharedSql.PlaceAt)].Read(row);
            }
        }

        foreach (var pull in pulls)
        {
            pull.End();
        }
    }

    private static void AddArray<T>(NpgsqlCommand command, IReadOnlyList<PendingPull> pulls, Func<PendingPull, int, T> value)
    {
        var values = new T[pulls.Count];
        for (var place = 0; place < values.Length; place++)
        {
            values[place] = value(pulls[place], place);
        }

        command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values });
    }
}
