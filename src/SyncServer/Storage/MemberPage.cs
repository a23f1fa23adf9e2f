using Npgsql;
using SyncServer.Core.Spaces;

namespace SyncServer.Storage;

/// <summary>One page of a list, and the caller's right to read it, from one snapshot.</summary>
/// <param name="Role">Null where there is no such space for the caller.</param>
/// <param name="Exists">Whether what the list is about exists.</param>
internal sealed record MemberPage<T>(Role? Role, bool Exists)
{
    /// <summary>What stands on the page.</summary>
    public List<T> Items { get; } = [];

    /// <summary>Whether more comes behind the page.</summary>
    public bool HasMore { get; private set; }

    /// <summary>
    /// Reads rows of role, existence, the number of candidates (one above the limit where more exist, null on the only
    /// row of an empty page) and, from column 3 on, an item.
    /// </summary>
    public static async Task<MemberPage<T>> ReadAsync(
        NpgsqlCommand command, Func<NpgsqlDataReader, int, T> item, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        MemberPage<T>? page = null;
        while (await reader.ReadAsync(cancellation))
        {
            page ??= new MemberPage<T>((Role)reader.GetInt16(0), reader.GetBoolean(1));
            if (reader.Number(2) is { } candidates)
            {
                page.Items.Add(item(reader, 3));
                page.HasMore = page.Items.Count < candidates;
            }
        }

        return page ?? new MemberPage<T>(null, false);
    }
}
