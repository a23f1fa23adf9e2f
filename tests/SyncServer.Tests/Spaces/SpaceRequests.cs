using Npgsql;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Spaces;

/// <summary>Requests about spaces and members; every key is new unless given.</summary>
internal static class SpaceRequests
{
    /// <summary>The tables whose rows belong to a space.</summary>
    public static readonly string[] Tables = ["spaces", "members", "records", "changes", "outcomes", "conflicts", "accounts"];

    public static (string Name, string Value) Key(string? key) => ("Idempotency-Key", key ?? Device.NewId());

    public static Task<Answer> CreateSpaceAsync(this Device device, string body, string? key = null) =>
        device.SendAsync(HttpMethod.Post, "/v1/spaces", body, Key(key));

    /// <summary>The device in a shared space that it has just made.</summary>
    public static async Task<(Device Owner, string Id)> SharedAsync(this Device device)
    {
        var id = (await device.CreateSpaceAsync("""{"name":"Team"}"""))["id"]!;
        return (device.In(id), id);
    }

    /// <summary>The device of somebody new, as a member of the owner's space.</summary>
    public static async Task<Device> MemberAsync(this Device owner, string space, string role)
    {
        var member = Device.New().In(space);
        Assert.Equal(201, (await owner.PutMemberAsync(member.Principal, role)).Status);
        return member;
    }

    public static Task<Answer> PutMemberAsync(this Device device, string principal, string role, string? key = null) =>
        device.SendAsync(HttpMethod.Put, $"members/{Uri.EscapeDataString(principal)}", $$"""{"role":"{{role}}"}""", Key(key));

    public static Task<Answer> RemoveMemberAsync(this Device device, string principal, string? key = null) =>
        device.SendAsync(HttpMethod.Delete, $"members/{Uri.EscapeDataString(principal)}", null, Key(key));

    public static Task<Answer> EraseSpaceAsync(this Device device, string space, string? key = null) =>
        device.SendAsync(HttpMethod.Delete, $"/v1/spaces/{space}", null, Key(key));

    public static async Task<string> MembersAsync(this Device device) =>
        string.Join(' ', (await device.GetAsync("members")).Body["members"]!.AsArray()
            .Select(member => $"{(member!["principal"]!.ToString() == device.Principal ? "me" : "other")}:{member["role"]}").Order(StringComparer.Ordinal));

    /// <summary>How many rows a space has in each table.</summary>
    public static async Task<Dictionary<string, long>> RowsAsync(string space)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in Tables)
        {
            rows[table] = await CountAsync(source, table, space);
        }

        return rows;
    }

    /// <summary>What was counted in a space, as it is stored.</summary>
    public static async Task<string> FiguresAsync(string space)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        await using var command = source.CreateCommand("SELECT figures::text FROM spaces WHERE space_id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(space) });
        return (string)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>How many unique values a space holds; none where no entity declares any.</summary>
    public static async Task<long> UniqueKeysAsync(string space)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.ConnectionString);
        return await CountAsync(source, "unique_keys", space);
    }

    private static async Task<long> CountAsync(NpgsqlDataSource source, string table, string space)
    {
        await using var count = source.CreateCommand($"SELECT count(*) FROM {table} WHERE space_id = $1");
        count.Parameters.Add(new NpgsqlParameter { Value = Guid.Parse(space) });
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
