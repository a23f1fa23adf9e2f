using Npgsql;
using SyncServer.Core.Spaces;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Records;

/// <summary>Plain HTTP requests about notes.</summary>
internal static class RecordRequests
{
    public static readonly (string Name, string Value) New = ("If-None-Match", "*");

    public static (string Name, string Value) Match(long rev) => ("If-Match", $"\"rev-{rev}\"");

    public static Task<Answer> PutAsync(this Device device, string id, string data, params (string Name, string Value)[] headers) =>
        device.SendAsync(HttpMethod.Put, $"records/note/{id}", data, Keyed(headers));

    public static Task<Answer> PatchAsync(this Device device, string id, string patch, params (string Name, string Value)[] headers) =>
        device.SendAsync(HttpMethod.Patch, $"records/note/{id}", patch, [.. Keyed(headers), ("Content-Type", "application/merge-patch+json")]);

    public static Task<Answer> DeleteAsync(this Device device, string id, params (string Name, string Value)[] headers) =>
        device.SendAsync(HttpMethod.Delete, $"records/note/{id}", null, Keyed(headers));

    public static Task<Answer> RestoreAsync(this Device device, string id, params (string Name, string Value)[] headers) =>
        device.SendAsync(HttpMethod.Post, $"records/note/{id}/restore", null, Keyed(headers));

    public static Task<Answer> ReadAsync(this Device device, string id, params (string Name, string Value)[] headers) =>
        device.GetAsync($"records/note/{id}", headers);

    /// <summary>Somebody new with a note at revision 1.</summary>
    public static async Task<(Device Phone, string Id)> WithNoteAsync(string data = """{"title":"a"}""")
    {
        var phone = Device.New();
        var id = Device.NewId();
        Assert.Equal(201, (await phone.PutAsync(id, data, New)).Status);
        return (phone, id);
    }

    /// <summary>Somebody new with a note that is deleted at revision 2.</summary>
    public static async Task<(Device Phone, string Id)> WithTombstoneAsync()
    {
        var (phone, id) = await WithNoteAsync();
        Assert.Equal(200, (await phone.DeleteAsync(id, Match(1))).Status);
        return (phone, id);
    }

    /// <summary>The id of the space behind <c>me</c>.</summary>
    public static async Task<string> SpaceIdAsync(this Device device) =>
        (await device.PutAsync(Device.NewId(), "{}", New)).Header("Location")!.Split('/')[3];

    /// <summary>Somebody new with a role in the device's own space, straight into the table.</summary>
    public static async Task<Device> MemberAsync(this Device owner, Role role)
    {
        var (member, space) = (Device.New(), await owner.SpaceIdAsync());
        await RunAsync("INSERT INTO members (space_id, principal, role) VALUES ($1, $2, $3)",
            Guid.Parse(space), member.Principal, (short)role);
        return member.In(space);
    }

    /// <summary>Runs one statement in the database behind the servers.</summary>
    public static async Task RunAsync(string sql, params object[] values)
    {
        await using var connection = new NpgsqlConnection(TestServers.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }

    private static (string Name, string Value)[] Keyed((string Name, string Value)[] headers) =>
        headers.Any(header => header.Name == "Idempotency-Key") ? headers : [.. headers, ("Idempotency-Key", Device.NewId())];
}
